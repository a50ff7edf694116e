"""Status pages in vigil.yaml: planned, applied, exported, and found to have drifted, without what is no part of it."""

from __future__ import annotations

import pytest

from tests.vigil.code.applying import applied, changes, planned
from tests.vigil.incidents.world import World
from tests.vigil.status.core.test_look import png
from vigil.accounts.teams import default_team
from vigil.code.core.formats.yaml_writer import to_yaml
from vigil.code.core.sections import publishing
from vigil.code.core.tree import DocumentError
from vigil.code.export import export_document
from vigil.monitors.changes import delete_monitor
from vigil.monitors.models import Monitor
from vigil.status.changes import save_picture, save_status_page
from vigil.status.components import MAX_COMPONENTS
from vigil.status.core.access import NETWORKS_MOST, PageVisibility
from vigil.status.core.languages import LANGUAGES
from vigil.status.core.look.pictures import PictureRole
from vigil.status.models import PagePicture, StatusPage, all_kinds

pytestmark = pytest.mark.django_db

DOCUMENT = """
version: 1
project: shop
monitors:
  chat:
    http: {url: "https://chat.example.com/"}
status_pages:
  acme:
    name: Acme AI
    slug: acme
    header: "**Hello**"
    visibility: addresses
    networks: [10.0.0.0/8, 192.0.2.7]
    domain: status.acme.example
    language: de
    accent: "#0b6784"
    components:
      - {name: Chat, group: AI, monitor: chat, provider: openai, shows_latency: true}
      - {name: All of it, tag: shop}
"""


@pytest.fixture(autouse=True)
def world(redis_url: str) -> World:
    return World()


def test_a_page_is_made_from_a_document_and_the_same_document_changes_nothing() -> None:
    plan = applied(DOCUMENT)
    assert changes(plan)["status_pages.acme"] == "create"
    row = StatusPage.objects.get()
    assert (row.title, row.slug, row.language, row.networks) == (
        "Acme AI",
        "acme",
        "de",
        ["10.0.0.0/8", "192.0.2.7/32"],
    )
    chat, everything = row.components.all()
    assert (chat.name, chat.monitor, chat.provider, chat.shows_latency) == (
        "Chat",
        Monitor.objects.get(),
        "openai",
        True,
    )
    assert (everything.name, everything.tag) == ("All of it", "shop")
    assert changes(planned(DOCUMENT)) == {}


def test_an_export_is_planned_as_no_change() -> None:
    applied(DOCUMENT)
    exported = export_document(default_team(), "shop")
    page = exported["status_pages"]["acme"]
    assert page["components"][0] == {
        "name": "Chat", "group": "AI", "monitor": "chat", "provider": "openai", "shows_latency": True,
    }  # fmt: skip
    assert changes(planned(to_yaml(exported))) == {}


def test_a_change_by_hand_is_drift_and_is_undone() -> None:
    applied(DOCUMENT)
    row = StatusPage.objects.get()
    before = {one.name: one.public_id for one in row.components.all()}
    save_status_page(row, {"title": "Another", "components": [{"name": "Chat", "monitor": Monitor.objects.get()}]})
    found = changes(planned(DOCUMENT))["status_pages.acme"]
    assert set(found) == {"name", "components"} and found["name"] == ("Another", "Acme AI")
    applied(DOCUMENT)
    row.refresh_from_db()
    assert row.title == "Acme AI" and row.components.get(name="Chat").public_id == before["Chat"]


def test_a_password_and_pictures_are_no_part_of_a_document_and_stay() -> None:
    applied(DOCUMENT)
    row = StatusPage.objects.get()
    save_picture(row, PictureRole.LOGO, png())
    save_status_page(row, {"visibility": "password", "password": "long enough secret"})
    text = DOCUMENT.replace("visibility: addresses", "visibility: password")
    applied(text)
    row.refresh_from_db()
    assert row.access and PagePicture.objects.exists() and changes(planned(text)) == {}
    assert "long enough" not in str(export_document(default_team(), "shop"))


def test_what_a_document_no_longer_names_is_deleted_only_with_prune() -> None:
    applied(DOCUMENT)
    rest = DOCUMENT.partition("status_pages:")[0]
    assert changes(planned(rest))["status_pages.acme"] == "keep"
    applied(rest, prune=True)
    assert not StatusPage.objects.exists()


def test_a_component_of_a_deleted_monitor_is_in_no_export() -> None:
    applied(DOCUMENT)
    delete_monitor(Monitor.objects.get())
    page = export_document(default_team(), "shop")["status_pages"]["acme"]
    assert [one["name"] for one in page["components"]] == ["All of it"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("slug: acme", "slug: Acme AI", "lower-case letters"),
        ("10.0.0.0/8", "10.0.0.1/8", "is no network"),
        ("networks: [10.0.0.0/8, 192.0.2.7]", "networks: []", "names its networks"),
        ("status.acme.example", "Status.Acme.Example", "as browsers send it"),
        ('"#0b6784"', "red", "#0b6784"),
        ("language: de", "language: xx", "is not one of de, en"),
        ("tag: shop}", "tag: shop, monitor: chat}", "either a monitor or a tag"),
        ("{name: All of it,", "{", "has no name"),
        ("name: All of it", "name: Chat", "is here twice"),
        ("monitor: chat,", "monitor: nobody,", "nobody"),
    ],
)
def test_what_is_wrong_is_refused_at_its_line(old: str, new: str, words: str) -> None:
    with pytest.raises(DocumentError, match=words):
        planned(DOCUMENT.replace(old, new))


def test_words_of_documents_are_those_of_pages() -> None:
    assert tuple(PageVisibility) == publishing.VISIBILITIES
    assert tuple(LANGUAGES) == publishing.LANGUAGES and tuple(all_kinds()) == publishing.SUBSCRIBER_KINDS
    assert (publishing.COMPONENTS_MOST, publishing.NETWORKS_MOST) == (MAX_COMPONENTS, NETWORKS_MOST)
