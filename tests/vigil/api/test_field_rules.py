"""Rules that hold for the fields of every object: names, tags, zones, times of change, and secrets that are made."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vigil.api.caller import Api
from tests.vigil.api.test_every_route import FEBRUARY, JANUARY
from vigil.accounts.teams import default_team
from vigil.alerts.models import Channel
from vigil.monitors.models import Monitor, Region
from vigil.visible_text import is_visible_line

pytestmark = pytest.mark.django_db
HTTP: dict[str, Any] = {"name": "m", "kind": "http", "config": {"url": "https://example.com/health"}}
ALL_OF_JANUARY = {"name": "s", "every_monitor": True, "starts_at": JANUARY, "ends_at": FEBRUARY}
HOOK: dict[str, Any] = {"name": "c", "kind": "webhook", "config": {"url": "https://x.test"}}


@pytest.fixture
def api() -> Api:
    return Api(default_team())


def bodies(api: Api) -> dict[str, dict[str, Any]]:
    """A body for each object that has a name."""
    monitor = api("POST", "monitors", {**HTTP, "name": "member"})[1]["id"]
    channel = api("POST", "channels", {**HOOK, "name": "used"})[1]["id"]
    return {
        "monitors": HTTP,
        "heartbeats": {"name": "h"},
        "composites": {"name": "o", "rule": "any", "members": [{"monitor": monitor}]},
        "channels": HOOK,
        "routes": {"name": "r", "position": 1, "channels": [channel]},
        "people": {"name": "ann", "channels": [channel]},
        "rotations": {"name": "r", "zone": "UTC", "starts_on": "2030-01-07"},
        "policies": {"name": "p", "steps": [{"channels": [channel]}]},
        "silences": {"name": "s", "monitors": [monitor], "starts_at": JANUARY, "ends_at": FEBRUARY},
        "objectives": {"name": "o", "monitor": monitor},
    }


ODD_NAMES = ["a\nb", "a\u202eb", "a\u2067b", "a\u0007b", "a\u2028b"]


def test_no_object_takes_a_name_that_does_not_read_as_it_is_stored(api: Api) -> None:
    for path, body in bodies(api).items():
        for name in ODD_NAMES:
            status, answer = api("POST", path, {**body, "name": name})
            assert (status, list(answer)) == (400, ["name"]), (path, name, answer)


@pytest.mark.parametrize("name", ["Überwachung 3", "ключ", "中文", "שלום", "🧑‍🚀 crew", "a\u00a0b"])
def test_names_of_all_scripts_are_visible(name: str) -> None:
    assert is_visible_line(name) and not is_visible_line("\u200b\u00a0")


def test_a_patch_that_changes_nothing_moves_no_time_and_no_revision(api: Api) -> None:
    for path, body in bodies(api).items():
        made = api("POST", path, body)[1]
        for again in ({}, {"name": made["name"]}):
            assert api("PATCH", f"{path}/{made['id']}", again)[0] == 200
        now = api("GET", f"{path}/{made['id']}")[1]
        stable = ("id", "name", "created_at", "updated_at", "revision")
        assert {name: now.get(name) for name in stable} == {name: made.get(name) for name in stable}, path


def test_a_change_of_a_silence_keeps_the_time_of_its_creation(api: Api) -> None:
    made = api("POST", "silences", bodies(api)["silences"])[1]
    changed = api("PATCH", f"silences/{made['id']}", {"name": "later"})[1]
    assert (changed["id"], changed["created_at"]) == (made["id"], made["created_at"])
    assert changed["updated_at"] > made["updated_at"]
    assert api("GET", f"silences/{made['id']}")[1]["created_at"] == made["created_at"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("heartbeats", {"name": "h", "period_s": 3600, "time_zone": "../../etc/passwd"}, "time_zone"),
        ("silences", {**ALL_OF_JANUARY, "zone": "Moon"}, "zone"),
        ("rotations", {"name": "r", "zone": "Moon", "starts_on": "2030-01-07"}, "zone"),
        ("routes", {"name": "r", "position": 1, "zone": "Moon"}, "zone"),
        ("reports", {"frequency": "weekly", "recipients": ["a@example.com"], "zone": "Moon"}, "zone"),
    ],
)  # fmt: skip
def test_a_zone_that_does_not_exist_is_refused_always(api: Api, path: str, body: Any, field: str) -> None:
    status, answer = api("POST", path, body)
    assert (status, list(answer)) == (400, [field]), answer


def test_words_of_a_list_are_kept_once(api: Api) -> None:
    twice = ["b", "a", "b"]
    for path, body in bodies(api).items():
        if path in ("monitors", "heartbeats", "composites", "routes", "silences"):
            made = api("POST", path, {**body, "tags": twice})[1]
            assert made["tags"] == ["b", "a"], path
    route = api("POST", "routes", {"name": "kinds", "position": 2, "kinds": ["outage", "outage"], "days": [1, 1]})[1]
    assert (route["kinds"], route["days"]) == (["outage"], [1])
    monitor = api("GET", "monitors?name=m")[1]["results"][0]
    assert api("PATCH", f"monitors/{monitor['id']}", {"tags": twice})[1]["revision"] == monitor["revision"]
    assert api("PATCH", f"monitors/{monitor['id']}", {"tags": ["a\u202eb"]})[0] == 400


def test_a_heartbeat_or_a_composite_takes_no_settings_of_checks(api: Api) -> None:
    Region.objects.create(slug="eu", domain="a")
    for path in ("heartbeats", "composites"):
        made = api("POST", path, bodies(Api(default_team()))[path] if path == "heartbeats" else composite(api))[1]
        for wanted in ({"regions": ["eu"]}, {"interval_s": 30}, {"sensitivity": "high"}, {"timeout_ms": 2000}):
            status, answer = api("PATCH", f"monitors/{made['id']}", wanted)
            assert (status, list(answer)) == (400, list(wanted)), (path, wanted, answer)
        assert api("PATCH", f"monitors/{made['id']}", {"priority": "high"})[1]["priority"] == "high"


def composite(api: Api) -> dict[str, Any]:
    monitor = api("POST", "monitors", {**HTTP, "name": "inside"})[1]["id"]
    return {"name": "over", "rule": "any", "members": [{"monitor": monitor}]}


def test_a_monitor_with_an_old_name_can_still_be_paused(api: Api) -> None:
    made = api("POST", "monitors", HTTP)[1]
    Monitor.objects.update(name="a\u202eb")
    assert api("POST", f"monitors/{made['id']}/pause")[1]["paused"] is True
    assert api("PATCH", f"monitors/{made['id']}", {"name": "a\u202ec"})[0] == 400


def test_a_secret_that_was_made_is_shown_once(api: Api) -> None:
    made = api("POST", "channels", HOOK)[1]
    assert made["secret"] == Channel.objects.get().secrets["secret"]
    assert api("GET", f"channels/{made['id']}")[1]["secret"] is None
    assert api("PATCH", f"channels/{made['id']}", {"name": "d"})[1]["secret"] is None
    given = {**HOOK, "name": "e", "secrets": {"secret": "whsec_" + "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}}
    assert api("POST", "channels", given)[1]["secret"] is None
