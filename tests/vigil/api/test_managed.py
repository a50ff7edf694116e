"""Objects that a document keeps say so in their API, and a change of one warns that it is drift."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vigil.api.caller import Api
from tests.vigil.api.test_every_route import rows
from vigil.accounts.teams import default_team
from vigil.api.code.managed import ManagedRows, warning_header
from vigil.api.urls import router
from vigil.code.core.sections.table import SECTIONS
from vigil.code.models import ManagedObject

pytestmark = pytest.mark.django_db

#: A change of each, which every test database allows.
CHANGES: dict[str, dict[str, Any]] = {
    "monitors": {"interval_s": 300}, "channels": {"gather": False}, "people": {"name": "Bea"},
    "heartbeats": {"grace_s": 600}, "composites": {"rule": "all"}, "routes": {"notes": True},
    "rotations": {"shift_days": 14}, "policies": {"repeats": 2}, "silences": {"reason": "r"},
    "objectives": {"window_days": 14}, "reports": {"enabled": False}, "status-pages": {"enabled": False},
}  # fmt: skip


def test_every_object_that_code_can_keep_says_which_document_keeps_it() -> None:
    # A silence is in either of two sections; regions and feeds belong to the installation.
    sections = {path.replace("-", "_") for path in CHANGES}
    assert sections == SECTIONS.keys() - {"maintenance", "regions", "feeds"}
    assert CHANGES.keys() == {prefix for prefix, view, _ in router.registry if issubclass(view, ManagedRows)}
    api, team = Api(default_team()), default_team()
    made = rows(api)
    owner = {"project": "shop", "place": "", "file": "vigil.yaml", "line": 7}
    for path, change in CHANGES.items():
        address, section = f"{path}/{made[path]}", path.replace("-", "_")
        assert api("GET", address)[1]["managed_by"] is None, path
        assert not api.ask("PATCH", address, change).has_header("Warning"), path
        ManagedObject.objects.create(
            team=team, project="shop", section=section, key="k", public_id=made[path], file="vigil.yaml", line=7
        )
        whole = {**owner, "place": f"{section}.k"}
        assert api("GET", address)[1]["managed_by"] == whole, path
        assert whole in [row["managed_by"] for row in api("GET", path)[1]["results"]], path
        changed = api.ask("PATCH", address, change)
        assert (changed.status_code, changed.json()["managed_by"]) == (200, whole), path
        assert f"Managed by code: {section}.k in vigil.yaml:7" in changed["Warning"], path


def keep(name: str, key: str) -> None:
    ManagedObject.objects.create(
        team=default_team(), project="shop", section="monitors", key=key, public_id=name, file="vigil.yaml", line=7
    )


def test_a_change_of_many_warns_of_those_that_code_keeps() -> None:
    api = Api(default_team())
    http = {"kind": "http", "config": {"url": "https://example.com/health"}}
    names = [api("POST", "monitors", {**http, "name": f"m-{number}"})[1]["id"] for number in range(14)]
    for number, name in enumerate(names[:12]):
        keep(name, f"k-{number}")
    silence = {"silence": {"name": "s", "starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-02T00:00:00Z"}}
    for change in ({"action": "pause"}, {"action": "tag", "tags": ["x"]}, {"action": "delete", "force": True}):
        by_hand = api.ask("POST", "monitors/bulk", {**change, "ids": names[12:]})
        assert (by_hand.json()["warnings"], by_hand.has_header("Warning")) == ([], False), change
        kept = api.ask("POST", "monitors/bulk", {**change, "ids": names[:12]})
        warnings = kept.json()["warnings"]
        assert (kept.status_code, len(warnings), warnings[10]) == (200, 11, "2 more are managed by code too.")
        assert "Managed by code: monitors.k-0 in vigil.yaml:7" in kept["Warning"] and warnings[0] in kept["Warning"]
        if change["action"] == "pause":
            silenced = api.ask("POST", "monitors/bulk", {"action": "silence", "ids": names[:12], **silence})
            assert (silenced.json()["warnings"], silenced.has_header("Warning")) == ([], False)


def test_a_warning_is_one_line_of_plain_characters() -> None:
    assert warning_header('a\r\nX: "ä"') == '299 - "a??X: ???"'
