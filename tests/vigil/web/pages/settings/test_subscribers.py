"""A team sees how many subscribe and what became of updates; who may write sees addresses, removes and exports them."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.vigil.status.subscribing import incident_of, page_of, subscriber
from vigil.accounts.login import ensure_first_admin
from vigil.accounts.models import Membership, Role, Team, User
from vigil.status.letters.fan_out import write_letters
from vigil.status.models import PublicUpdate, StatusPage
from vigil.status.subscriber_models import Subscriber, SubscriberLetter

pytestmark = pytest.mark.django_db


def test_a_writer_sees_counts_finds_an_address_removes_and_exports(client: Client) -> None:
    client.force_login(ensure_first_admin())
    page = page_of()
    row = subscriber(page, "reader@example.test", "Chat API")
    subscriber(page, "gone@example.test", state="off", off_reason="bounced", last_error="5.1.1 no such user")
    subscriber(page, "https://hooks.example.test/=cmd", kind="webhook")
    write_letters(incident_of(page).updates.get().pk)
    SubscriberLetter.objects.filter(kind="webhook").update(state="dead")
    at = f"/settings/status-pages/{page.public_id}/subscribers"
    shown = client.get(at).content.decode()
    assert "2 subscribers" in shown and "1 by mail, 1 by webhook" in shown and "1 switched off" in shown
    assert "1 on the way" in shown and "1 not delivered" in shown and "no such user" in shown
    found = client.get(at, {"address": "READER@example.test"}).content.decode()
    assert "reader@example.test" in found and "gone@example.test" not in found
    lines = client.get(f"{at}.csv").content.decode()
    assert "reader@example.test,Chat API,confirmed" in lines and lines.count("\n") == 4
    assert "Send 1 again" in shown
    update = PublicUpdate.objects.get()
    client.post(at, {"resend": update.public_id})
    assert SubscriberLetter.objects.get(kind="webhook").state == "pending" and b"again" not in client.get(at).content
    client.post(at, {"remove": row.public_id})
    assert not Subscriber.objects.filter(pk=row.pk).exists()


def test_a_viewer_sees_counts_and_no_address_and_another_team_nothing(client: Client) -> None:
    page = page_of()
    row = subscriber(page, "reader@example.test")
    at = f"/settings/status-pages/{page.public_id}/subscribers"
    viewer = User.objects.create_user("viewer", password=None)
    Membership.objects.create(user=viewer, team=page.team, role=Role.VIEWER)
    client.force_login(viewer)
    shown = client.get(at).content.decode()
    assert "1 subscriber" in shown and "reader@example.test" not in shown
    assert client.get(f"{at}.csv").status_code == 403
    for asked in ({"remove": row.public_id}, {"resend": "upd_1"}):
        assert client.post(at, asked).status_code == 403
    other = User.objects.create_user("other", password=None)
    Membership.objects.create(user=other, team=Team.objects.create(name="Other", slug="other"), role=Role.OWNER)
    client.force_login(other)
    assert client.get(at).status_code == 404 and StatusPage.objects.filter(pk=page.pk).exists()
