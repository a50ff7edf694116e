"""An installation that an older commit made starts under the present code, with all that it held.

The archives in `installations` are made by `installations/fill.py`; the present code adds nothing to them first.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import pwd
import shutil
import tarfile
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.database_schema import schema_of
from tests.e2e.installations.contents import KEPT, REGIONS, open_incident
from tests.e2e.installations.endpoints import ADDRESS, Endpoints, served
from tests.e2e.up import Api, Up
from tests.waiting import until
from vigil.local.folder import read_secrets, read_state

INSTALLATIONS = Path(__file__).parent / "installations"
#: History must outlast the day on which this runs.
ENV = {"VIGIL_HEARTBEAT_URL": f"{ADDRESS}/deadman", "VIGIL_KEEP_CHECKS_DAYS": "3650", "VIGIL_KEEP_HOURS_DAYS": "36500"}
#: What moves by itself, begins with the address of the pages, or is wording of this release.
MOVING = {
    "badges", "callback_address", "coming", "expected_at", "last_error", "last_ping_at", "last_success_at", "overrides",
    "pace", "ping_url", "pings", "resolved_at", "sent_until", "since", "status", "alive", "heard_at", "share",
    "quarantine", "updated_at", "holds", "title", "flapping", "warnings",
}  # fmt: skip

pytestmark = [pytest.mark.xdist_group("machine"), pytest.mark.timeout(300)]


@dataclass
class Upgraded:
    """An older installation under the present code. `before` is what its own API said before it stopped."""

    before: dict[str, Any]
    started: str
    up: Up
    api: Api
    endpoints: Endpoints
    data: Path

    def id_of(self, monitor: str) -> str:
        return str(self.before["monitors"][monitor])

    def incident_before(self, monitor: str) -> dict[str, Any]:
        """The incident of a monitor that was open when the older code stopped."""
        rows = self.before["rows"]["incidents"]
        return next(row for row in rows if row["monitor"] == self.id_of(monitor) and not row["resolved_at"])

    @property
    def database_url(self) -> str:
        secrets = read_secrets(self.data)
        assert secrets is not None
        return f"postgresql://vigil:{secrets.database_password}@127.0.0.1:{read_state(self.data).postgres_port}/vigil"

    def ping(self, what: str) -> None:
        urllib.request.urlopen(self.up.said["ping_address"] + self.before["job"] + what, timeout=10).close()


def unpack(archive: Path, data: Path) -> dict[str, Any]:
    """Put a data folder back as a restore from a backup would, and return what it held."""
    with tarfile.open(archive) as packed:
        # Python before 3.11.4 knows no filters. The others would change the modes, which PostgreSQL insists on.
        packed.extraction_filter = getattr(tarfile, "tar_filter", None)
        packed.extractall(data)
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root; `up` runs root's as this account.
        account = pwd.getpwnam("nobody")
        for path in (data / "postgres", *(data / "postgres").rglob("*")):
            os.chown(path, account.pw_uid, account.pw_gid)
    before: dict[str, Any] = json.loads((data / "expected.json").read_text())
    return before


@pytest.fixture(scope="module", params=sorted(INSTALLATIONS.glob("*.tar.xz")), ids=lambda path: path.name)
def upgraded(request: pytest.FixtureRequest) -> Iterator[Upgraded]:
    # Not tmp_path: pytest closes that to other accounts, and root's PostgreSQL runs as one.
    data = Path(tempfile.mkdtemp(prefix="vigil-upgrade-"))
    with served() as endpoints:
        endpoints.broken |= {"/checkout", "/legacy"}
        try:
            before = unpack(request.param, data)
            started = datetime.now(UTC).isoformat()
            up = Up(data, env=ENV)
            try:
                yield Upgraded(before, started, up, Api(up.said["address"], before["token"]), endpoints, data)
            finally:
                code = up.stop()
            assert code == 0
        finally:
            shutil.rmtree(data)


@pytest.mark.django_db
def test_its_database_is_made_as_that_of_a_new_installation(upgraded: Upgraded) -> None:
    with psycopg.connect(upgraded.database_url) as upgraded_one:
        there = schema_of(upgraded_one.cursor())
    with connection.cursor() as new:
        here = schema_of(new)
    assert {kind for kind, *_ in here} >= {"column", "constraint", "index", "trigger", "function", "partitions"}
    assert there ^ here == set()


@pytest.mark.parametrize("path", KEPT)
def test_every_row_that_was_made_is_there_as_it_was(upgraded: Upgraded, path: str) -> None:
    def settled(rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {row.get("id") or row["slug"]: {k: v for k, v in row.items() if k not in MOVING} for row in rows}

    before, now = settled(upgraded.before["rows"][path]), settled(upgraded.api.rows(path))
    assert before
    for key, row in before.items():
        assert {name: now[key].get(name) for name in row} == row


def test_an_incident_stays_open_until_its_target_is_well_and_is_resolved_once(upgraded: Upgraded) -> None:
    api, endpoints, checkout = upgraded.api, upgraded.endpoints, upgraded.id_of("Checkout")
    opened = upgraded.incident_before("Checkout")["id"]

    def seen() -> set[tuple[str, bool]]:
        """What each region saw last, and whether that was before this start."""
        found = api("GET", f"monitors/{checkout}/latest")["results"]
        return {(one["status"], (one["at"] or "") < upgraded.started) for one in found}

    until(lambda: seen() == {("down", False)}, within_s=30)
    assert open_incident(api, checkout)["id"] == opened

    def told(path: str, kind: str) -> list[str]:
        return [body["dedup_key"] for body in endpoints.deliveries(path, kind) if body["incident"]["id"] == opened]

    # It was pending when the older code stopped: this receiver refused it then.
    until(lambda: told("/night", "incident.triggered") == [opened], within_s=30)
    assert told("/ops", "incident.triggered") == []

    endpoints.broken.discard("/checkout")
    until(lambda: api("GET", f"incidents/{opened}")["resolved_at"], within_s=60)
    deliveries = f"deliveries?incident={opened}"
    until(lambda: {row["state"] for row in api.rows(deliveries) if row["event"] == "resolve"} == {"sent"}, within_s=30)
    assert [told(path, "incident.resolved") for path in ("/ops", "/night")] == [[opened], [opened]]
    events = [one.body for one in endpoints.answered("/pagerduty") if one.body["dedup_key"] == opened]
    assert [(event["event_action"], event["routing_key"]) for event in events] == [("resolve", "0" * 32)]
    assert open_incident(api, checkout) == {}


def test_secrets_that_were_sealed_are_opened(upgraded: Upgraded) -> None:
    endpoints = upgraded.endpoints
    # Each answers 401 to every other key.
    until(lambda: endpoints.answered("/gateway") and endpoints.answered("/v1/models"), within_s=30)
    until(lambda: endpoints.answered("/night"), within_s=30)
    signed = endpoints.answered("/night")[0]
    head = f"{signed.headers['webhook-id']}.{signed.headers['webhook-timestamp']}."
    mac = hmac.new(b"not-a-secret-not-a-secret", head.encode() + signed.raw, hashlib.sha256)
    assert signed.headers["webhook-signature"] == f"v1,{base64.b64encode(mac.digest()).decode()}"


def test_an_alert_that_a_silence_held_is_sent_when_the_silence_ends(upgraded: Upgraded) -> None:
    held = upgraded.incident_before("Legacy")["id"]
    assert {row["state"] for row in upgraded.api.rows(f"deliveries?incident={held}")} == {"held"}
    silence = next(row["id"] for row in upgraded.api.rows("silences") if row["name"] == "Freeze")
    upgraded.api("POST", f"silences/{silence}/end")
    told = upgraded.endpoints.deliveries
    until(lambda: held in [body["dedup_key"] for body in told("/ops", "incident.triggered")], within_s=30)


def test_history_from_before_is_read_and_goes_on(upgraded: Upgraded) -> None:
    before, everywhere = upgraded.before["checks"], upgraded.id_of("Everywhere")
    window = f"from={before['from']}&to={upgraded.before['at'].replace('+00:00', 'Z')}"
    then = upgraded.api("GET", f"monitors/{everywhere}/percentiles?by=all&{window}")["steps"][0]
    assert (then["up"] >= before["up"] > 0, then["down"]) == (True, 0)
    uptime = upgraded.api("GET", f"monitors/{upgraded.id_of('Search')}/uptime?{window}")
    assert uptime["down_s"] == upgraded.before["uptime"]["down_s"] > 0
    since = f"monitors/{everywhere}/checks?hours=1&regions=local-1"
    started = max(result["at"] for result in upgraded.before["latest"])
    until(
        lambda: any(check["at"] > started for check in upgraded.api("GET", since)["regions"].get("local-1", [])),
        within_s=60,
    )


def test_the_last_results_of_a_region_that_runs_no_more_are_read_from_redis(upgraded: Upgraded) -> None:
    regions = {row["slug"]: row for row in upgraded.api.rows("regions")}
    assert regions.keys() == {*REGIONS, "eu-west"}
    assert all(regions[name]["alive"] for name in REGIONS[:3])

    def last(results: list[dict[str, Any]]) -> dict[str, Any]:
        return next(result for result in results if result["region"] == "local-4")

    before = last(upgraded.before["latest"])
    now = last(upgraded.api("GET", f"monitors/{upgraded.id_of('Everywhere')}/latest")["results"])
    assert (now["status"], now["code"]) == ("up", 200)
    # The worker may have had one or two checks more before it stopped.
    assert 0 <= (datetime.fromisoformat(now["at"]) - datetime.fromisoformat(before["at"])).total_seconds() < 60


def test_a_ping_that_only_the_log_of_pings_had_is_counted_and_the_address_still_serves(upgraded: Upgraded) -> None:
    embed = next(row for row in upgraded.before["rows"]["heartbeats"] if row["name"] == "Embed documents")

    def pings() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = upgraded.api("GET", f"heartbeats/{embed['id']}/pings")["results"]
        return found

    until(lambda: len(pings()) == embed["pings"] + 1, within_s=30)
    assert pings()[0]["rid"] == "2"
    upgraded.ping("?rid=3")
    until(lambda: pings()[0]["rid"] == "3", within_s=30)


def test_the_dead_mans_switch_is_pinged_by_its_old_name(upgraded: Upgraded) -> None:
    # A self-test proves first that alerts get out; then it is asked for once a minute.
    until(lambda: upgraded.endpoints.answered("/deadman"), within_s=120)
