"""Subscribers over the API: seen by who may write, removed, and made by nobody."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now

from tests.vigil.api.caller import Api
from tests.vigil.status.subscribing import incident_of, page_of, subscriber
from vigil.accounts.models import Scope
from vigil.accounts.teams import default_team
from vigil.status.letters.fan_out import write_letters
from vigil.status.public_incidents.updates import add_update
from vigil.status.subscriber_models import Subscriber, SubscriberLetter

pytestmark = pytest.mark.django_db


def test_a_writer_lists_and_removes_them_and_a_reader_does_not() -> None:
    page = page_of()
    row = subscriber(page, "reader@example.test", "Chat API")
    api, reader = Api(default_team()), Api(default_team(), Scope.READ)
    (found,) = api("GET", "subscribers?state=confirmed&kind=email")[1]["results"]
    assert (found["address"], found["page"], len(found["components"])) == ("reader@example.test", page.public_id, 1)
    assert reader("GET", "subscribers")[0] == 403
    assert api("POST", "subscribers", {"kind": "email", "address": "other@example.test"})[0] == 405
    assert api("DELETE", f"subscribers/{row.public_id}")[0] == 204 and not Subscriber.objects.exists()


def test_lists_of_what_belongs_to_pages_are_of_those_that_are_named() -> None:
    page, other, api = page_of(), page_of("other"), Api(default_team())
    for one in (page, other):
        subscriber(one, "reader@example.test")
        incident_of(one)
    for listed in ("subscribers", "public-incidents"):
        (found,) = api("GET", f"{listed}?page={page.public_id}")[1]["results"]
        assert found["page"] == page.public_id
        assert len(api("GET", f"{listed}?page={page.public_id},{other.public_id}")[1]["results"]) == 2
    for listed in ("scheduled-maintenances", "update-templates"):
        assert api("GET", f"{listed}?page={page.public_id}")[1]["results"] == []
        assert api("GET", f"{listed}?page=acme")[0] == 400


def test_letters_that_were_given_up_are_sent_again_unless_a_newer_one_says_more() -> None:
    page, api = page_of(), Api(default_team())
    rows = {name: subscriber(page, f"{name}@example.test") for name in ("lost", "told", "gone", "behind")}
    incident = incident_of(page)
    first = incident.updates.get()
    write_letters(first.pk)
    SubscriberLetter.objects.exclude(subscriber=rows["told"]).update(state="dead", attempts=7, last_error="it was away")
    Subscriber.objects.filter(pk=rows["gone"].pk).update(state="off", off_reason="failing")
    later = add_update(incident, {"state": "identified", "text": "We know."})
    SubscriberLetter.objects.create(
        subscriber=rows["behind"], update=later, kind="email", purpose="update", created_at=Now(), due_at=Now()
    )
    at = f"public-incidents/{incident.public_id}/updates/{first.public_id}/resend"
    assert Api(default_team(), Scope.READ)("POST", at)[0] == 403
    assert api("POST", at) == (200, {"letters": 1}) and api("POST", at) == (200, {"letters": 0})
    again = SubscriberLetter.objects.get(subscriber=rows["lost"])
    assert (again.state, again.attempts, again.last_error) == ("pending", 0, "")
    assert SubscriberLetter.objects.filter(update=first, state="dead").count() == 2


def test_a_page_says_how_readers_may_subscribe() -> None:
    api = Api(default_team())
    made = api("POST", "status-pages", {"slug": "acme", "title": "Acme", "components": []})[1]
    assert made["subscriber_kinds"] == ["email", "webhook", "slack"]
    changed = api("PATCH", f"status-pages/{made['id']}", {"subscriber_kinds": ["slack", "email"]})[1]
    assert changed["subscriber_kinds"] == ["email", "slack"]
    assert api("PATCH", f"status-pages/{made['id']}", {"subscriber_kinds": ["pigeon"]})[0] == 400
