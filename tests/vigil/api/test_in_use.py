"""Deleting what others use is refused with their names, and done when forced (A11)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vigil.api.caller import Api
from vigil.accounts.models import Scope
from vigil.accounts.teams import default_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(default_team(), Scope.READ, Scope.WRITE)


def made(api: Api, path: str, **wanted: Any) -> str:
    status, row = api("POST", path, wanted)
    assert status == 201, row
    return str(row["id"])


def used(api: Api) -> dict[str, tuple[str, str]]:
    """Path -> a row that others use, and how the answer names one of them."""
    channel = made(api, "channels", name="hook", kind="webhook", config={"url": "https://x.test"})
    person = made(api, "people", name="ann", channels=[channel])
    rotation = made(api, "rotations", name="web", starts_on="2030-01-07", people=[person])
    policy = made(api, "policies", name="ladder", steps=[{"rotations": [rotation], "channels": [channel]}])
    monitor = made(api, "monitors", name="shop", kind="http", config={"url": "https://shop.test/"})
    route = made(api, "routes", name="night", position=1, policy=policy, channels=[channel], monitor=monitor)
    job = made(api, "heartbeats", name="backup")
    both = made(api, "composites", name="both", rule="any", members=[{"monitor": monitor}, {"monitor": job}])
    return {
        "channels": (channel, f"route night ({route})"),
        "people": (person, f"rotation web ({rotation})"),
        "rotations": (rotation, f"policy ladder ({policy})"),
        "policies": (policy, f"route night ({route})"),
        "monitors": (monitor, f"composite both ({both})"),
        "heartbeats": (job, f"composite both ({both})"),
    }


@pytest.mark.parametrize("path", ["channels", "people", "rotations", "policies", "monitors", "heartbeats"])
def test_what_others_use_is_deleted_only_by_force(api: Api, path: str) -> None:
    row, user = used(api)[path]
    status, answer = api("DELETE", f"{path}/{row}")
    assert status == 409 and user in answer["detail"] and "?force=true" in answer["detail"]
    assert api("GET", f"{path}/{row}")[0] == 200
    assert api("DELETE", f"{path}/{row}?force=true")[0] == 204
    assert api("GET", f"{path}/{row}")[0] == 404


def test_what_nothing_uses_is_deleted_at_once(api: Api) -> None:
    row = made(api, "channels", name="hook", kind="webhook", config={"url": "https://x.test"})
    assert api("DELETE", f"channels/{row}")[0] == 204
