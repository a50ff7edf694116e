"""A team's colour and pictures are on every page of its readers, and pictures are served as nothing else."""

from __future__ import annotations

import base64

import pytest
from django.core.exceptions import ValidationError

from tests.vigil.api.caller import Api
from tests.vigil.incidents.world import World
from tests.vigil.status.core.test_look import JPEG, png
from tests.vigil.status.rows import made, shown
from vigil.accounts.teams import default_team
from vigil.status.changes import save_picture, save_status_page
from vigil.status.core.answer import FileRequest, answer_of
from vigil.status.core.look.pictures import PictureRole
from vigil.status.models import PagePicture, StatusPage
from vigil.status.published import PublishedPages
from vigil.status.publisher import PagePublisher

pytestmark = pytest.mark.django_db(transaction=True)


def test_colour_and_pictures_are_files_of_the_page_at_the_next_turn(
    pages: PublishedPages, making: PagePublisher
) -> None:
    row, _ = made(World(), accent="#FFEE00")
    save_picture(row, PictureRole.LOGO, png())
    save_picture(row, PictureRole.FAVICON, JPEG)
    assert making.turn() == 1
    found = shown(pages)
    style = found.files["look.css"].plain.decode()
    assert "#ffee00" in style and "light-dark(" in style
    assert found.files["logo.png"].plain == png() and found.files["favicon.jpg"].plain == JPEG
    for path in ("", "history", "history/2026-11"):
        page = found.files.get(path)
        if page is not None:
            text = page.plain.decode()
            assert "/look.css" in text and 'class="logo"' in text and "favicon.jpg" in text
    save_picture(row, PictureRole.LOGO, None)
    save_status_page(row, {"accent": ""})
    making.turn()
    assert {"look.css", "logo.png"}.isdisjoint(shown(pages).files) and not PagePicture.objects.filter(role="logo")


def test_a_picture_that_is_opened_by_itself_is_a_picture_alone(pages: PublishedPages, making: PagePublisher) -> None:
    row, _ = made(World())
    save_picture(row, PictureRole.LOGO, png())
    making.turn()
    found = answer_of(shown(pages), FileRequest("logo.png", accept_encoding="br, gzip"), shown(pages).heard_at)
    assert found is not None
    headers = dict(found[1])
    assert headers["Content-Type"] == "image/png" and headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox" and "Content-Encoding" not in headers


def test_what_is_no_picture_or_colour_is_refused_by_field() -> None:
    row, _ = made(World())
    with pytest.raises(ValidationError) as refused:
        save_picture(row, PictureRole.FAVICON, b"<svg/>")
    assert list(refused.value.message_dict) == ["favicon"] and not PagePicture.objects.exists()
    with pytest.raises(ValidationError) as refused:
        save_status_page(row, {"accent": "red"})
    assert list(refused.value.message_dict) == ["accent"]


def test_pictures_are_given_over_the_api_in_base64_with_the_page_or_not_at_all() -> None:
    row, _ = made(World())
    api, address = Api(default_team()), f"status-pages/{row.public_id}"
    sent = base64.b64encode(png()).decode()
    status, answer = api("PATCH", address, {"logo": sent, "accent": "#0b6784"})
    assert status == 200 and answer["accent"] == "#0b6784" and "logo" not in answer
    assert bytes(PagePicture.objects.get().content) == png()
    for wrong in ("%%%", base64.b64encode(b"<svg/>").decode()):
        status, answer = api("PATCH", address, {"title": "New", "logo": wrong})
        assert status == 400 and set(answer) == {"logo"}, answer
    assert StatusPage.objects.get().title == "Acme AI"
    assert api("PATCH", address, {"logo": ""})[0] == 200 and not PagePicture.objects.exists()
