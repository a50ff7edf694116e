"""Pings over the API: by id and by slug, with the scope `ping`, kept in the log as a receiver keeps them."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from probes import keys
from tests.probes.loopback import closed_port
from tests.streams import entries
from tests.vigil.api.caller import Api
from vigil.accounts.models import Scope, Team
from vigil.accounts.teams import default_team
from vigil.heartbeats.changes import create_heartbeat
from vigil.heartbeats.core.pings import wire
from vigil.heartbeats.core.pings.wire import Ping, PingKind
from vigil.heartbeats.models import Heartbeat, SpooledEntry
from vigil.heartbeats.receiving import call

pytestmark = pytest.mark.django_db


@pytest.fixture
def row() -> Heartbeat:
    return create_heartbeat(default_team(), {"name": "backup"})


def logged(url: str) -> list[Ping]:
    with redis.Redis.from_url(url) as client:
        return [ping for _, fields in entries(client, keys.PINGS) for ping in wire.decode(fields[keys.BODY]).pings]


def test_a_job_pings_by_id_and_by_slug_with_a_token_that_may_nothing_else(redis_url: str, row: Heartbeat) -> None:
    api = Api(default_team(), Scope.PING)
    said: dict[str, Any] = {"kind": "success", "exit_code": 3, "rid": "r-1", "body": "disk full"}
    assert api("POST", f"heartbeats/{row.monitor.public_id}/ping", said)[0] == 202
    assert api("POST", f"heartbeats/slugs/{row.slug}/ping")[0] == 202
    failed, well = logged(redis_url)
    assert (failed.kind, failed.exit_code, failed.rid, failed.body) == (PingKind.FAIL, 3, "r-1", b"disk full")
    assert (well.kind, well.address.code) == (PingKind.SUCCESS, str(row.code))
    assert api("GET", "heartbeats")[0] == 403
    assert api("POST", f"heartbeats/{row.monitor.public_id}/ping", {"kind": "dance"})[0] == 400


def test_a_stranger_pings_no_job_of_another_team(redis_url: str, row: Heartbeat) -> None:
    stranger = Api(Team.objects.create(name="b", slug="b"), Scope.PING)
    assert stranger("POST", f"heartbeats/{row.monitor.public_id}/ping")[0] == 404
    assert stranger("POST", f"heartbeats/slugs/{row.slug}/ping")[0] == 404
    assert logged(redis_url) == []


def test_while_redis_is_away_a_ping_is_kept_in_postgresql(row: Heartbeat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call, "ping_client", lambda: redis.Redis(port=closed_port()))
    assert Api(default_team(), Scope.PING)("POST", f"heartbeats/{row.monitor.public_id}/ping")[0] == 202
    [kept] = SpooledEntry.objects.all()
    assert [ping.address.code for ping in wire.decode(bytes(kept.entry)).pings] == [str(row.code)]
