"""Pictures of a status page are sent in a form, by who may write."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.vigil.status.core.test_look import png
from tests.vigil.web.pages.row_forms.test_alerting_forms import member
from vigil.accounts.models import Role, Team
from vigil.accounts.teams import default_team
from vigil.status.changes import save_status_page
from vigil.status.models import PagePicture, StatusPage

pytestmark = pytest.mark.django_db


def test_a_logo_is_sent_replaced_and_taken_away(redis_url: str) -> None:
    row = save_status_page(StatusPage(team=default_team()), {"slug": "acme", "title": "Acme"})
    address, writer = f"/settings/status-pages/{row.public_id}/look", member(Role.MEMBER)
    assert address in writer.get("/settings/status-pages").content.decode()

    def send(content: bytes | None) -> int:
        form = {"role": "logo", "do": "save"}
        file = {} if content is None else {"logo": SimpleUploadedFile("logo.svg", content)}
        return int(writer.post(address, {**form, **file}).status_code)

    assert send(png()) == 302
    assert "It has one of 40 x 20 pixels." in writer.get(address).content.decode()
    assert send(png(30, 30)) == 302 and PagePicture.objects.get().width == 30
    for wrong in (None, b"<svg/>", png() + b"\0" * 200_000):
        assert send(wrong) == 200 and PagePicture.objects.get().width == 30
    assert writer.post(address, {"role": "logo", "do": "remove"}).status_code == 302
    assert not PagePicture.objects.exists()
    assert member(Role.VIEWER).get(address).status_code == 403
    other = member(Role.OWNER, Team.objects.create(name="Other", slug="other"))
    assert other.get(address).status_code == 404
