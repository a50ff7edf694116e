"""A trial looks once for a person: every region's answer, and no vote, no history, no alert, no secret left behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection

from consensus.process.stream import Arrival, Streams
from probes import keys, wire
from probes.process.published_keys import PublishedRegionKeys
from probes.process.redis_streams import redis_now_ms
from probes.queue.app import region_app
from probes.reasons import Reason, Status
from probes.seal import Opener
from tests.probes.loopback import closed_port
from tests.probes.worker.region_process import REGION, worker
from tests.signed import macs, report, say_alive
from tests.vigil.api.caller import Api
from vigil.accounts.models import Scope, Team
from vigil.accounts.teams import default_team
from vigil.bench.region_keys import simulated_secret
from vigil.dispatch import trial_limits, trials
from vigil.dispatch.trial_limits import TrialLane
from vigil.heartbeats.changes import create_heartbeat
from vigil.history.recording.intake import Intake
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "tok-planted-4711"


@pytest.fixture
def api() -> Api:
    return Api(default_team())


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def target() -> Iterator[tuple[str, list[str]]]:
    """A server that answers with a word; its address, and the credentials that it saw."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"ready")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", seen
        server.shutdown()


def regions(*slugs: str, public_key: bytes = b"k" * 32) -> None:
    for slug in slugs:
        Region.objects.create(slug=slug, domain=slug, public_key=public_key)


def lives(client: redis.Redis, region: str, clock_offset_ms: int = 0) -> None:
    now_ms = redis_now_ms(client)
    status = wire.RegionStatus(1, now_ms, clock_offset_ms, 0, 0, now_ms, "boot", "0.1.0")
    say_alive(client, region, status)


def answers(client: redis.Redis, region: str, trial: str, **fields: Any) -> wire.Result:
    """A region's worker answers."""
    now_ms = redis_now_ms(client)
    told = {"status": Status.UP, "reason": Reason.OK, **fields}
    result = wire.Result(
        1, trial, now_ms, told.pop("status"), told.pop("reason"), now_ms, wire.Phases(total_us=1_500), trial, 1, **told
    )
    report(client, region, result)
    return result


def by_region(trial: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["region"]: row for row in trial["regions"]}


def test_an_unsaved_monitor_is_tried_by_a_real_region_and_leaves_nothing(
    client: redis.Redis, api: Api, redis_url: str, tmp_path: Path, target: tuple[str, list[str]]
) -> None:
    address, seen = target
    private = simulated_secret(REGION)
    regions(REGION, public_key=Opener(private).public)
    regions("us-east")
    body = {
        "kind": "http",
        "config": {
            "url": address,
            "assertions": [{"type": "body_contains", "text": "ready"}, {"type": "body_contains", "text": "absent"}],
        },
        "secrets": {"bearer": SECRET},
        "timeout_ms": 5000,
    }
    with worker(redis_url, tmp_path / "worker.log", VIGIL_REGION_KEY=private):
        code, trial = api("POST", "monitors/test", body)
        assert (code, trial["state"], trial["monitor"]) == (200, "done", None)
        found = by_region(trial)
        looked = found[REGION]
        assert (looked["state"], looked["status"], looked["reason"]) == ("answered", "down", "body_mismatch")
        assert [(one["passed"], one["status"]) for one in looked["assertions"]] == [(True, "up"), (False, "down")]
        assert "absent" in looked["assertions"][1]["expected"]
        assert looked["phases_ms"]["total"] > 0
        assert looked["words"].startswith("eu-west (eu-west): down, ")
        assert (found["us-east"]["state"], found["us-east"]["words"]) == (
            "not_asked", "us-east (us-east): not asked, it sent no status",
        )  # fmt: skip
        # One of two regions is no quorum, whatever it saw.
        assert trial["verdict"]["reason"] == "too_few_votes"

        body["regions"], body["config"] = [REGION], {"url": f"http://127.0.0.1:{closed_port()}/"}
        _, failing = api("POST", "monitors/test", body)
        assert failing["verdict"]["status"] == "down"
        assert failing["verdict"]["alert"]["incident"] == "outage"
        assert by_region(failing)[REGION]["attempts"] == 2

    assert f"Bearer {SECRET}" in seen
    assert not Monitor.objects.exists()
    assert not client.exists(keys.latest(REGION))
    for key in client.scan_iter():
        assert SECRET.encode() not in (client.dump(key) or b"")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM history_position")
        assert cursor.fetchone() == (0,)


def test_answers_appear_region_by_region_and_each_team_sees_its_own_trials(client: redis.Redis, api: Api) -> None:
    regions("eu", "us", "ap")
    monitor = create_monitor(default_team(), {"name": "m", "kind": "http", "config": {"url": "https://x.test/"}})
    lives(client, "eu")
    lives(client, "us")
    lives(client, "ap", clock_offset_ms=60_000)
    code, trial = api("POST", f"monitors/{monitor.public_id}/test?wait=false", {})
    assert (code, trial["state"], trial["monitor"]) == (202, "running", monitor.public_id)
    assert {row["state"] for row in trial["regions"]} == {"pending"}
    batch = wire.decode_batch(queued("eu"))
    assert (batch.lane, [check.monitor for check in batch.checks]) == (wire.Lane.CONFIRM, [trial["id"]])

    path = f"trials/{trial['id']}"
    answers(client, "eu", trial["id"], status=Status.DOWN, reason=Reason.TIMEOUT, detail="no answer within 10 s")
    # A region answers for itself, on its own stream, and to what it was asked.
    answers(client, "us", "trl_0000000000000000")
    answers(client, "elsewhere", trial["id"])
    states = {region: row["state"] for region, row in by_region(api("GET", path)[1]).items()}
    assert states == {"ap": "pending", "eu": "answered", "us": "pending"}
    answers(client, "us", trial["id"], status=Status.DOWN, reason=Reason.REFUSED)
    answers(client, "ap", trial["id"])
    _, done = api("GET", path)
    assert done["state"] == "done"
    assert by_region(done)["eu"]["words"] == "eu (eu): down, timed out: no answer within 10 s"
    assert by_region(done)["ap"]["not_counted"] == "It has a clock that is off by more than 5 s."
    assert (done["verdict"]["status"], done["verdict"]["m"], done["verdict"]["k"]) == ("down", 2, 2)
    assert "eu (eu): timeout, no answer within 10 s" in done["verdict"]["explanation"]

    stranger = Api(Team.objects.create(name="b", slug="b"))
    assert stranger("GET", path)[0] == 404
    assert stranger("POST", f"monitors/{monitor.public_id}/test", {})[0] == 404
    assert api("GET", "trials/trl_0000000000000000")[0] == 404


def test_consensus_and_record_pass_over_what_a_trial_saw(client: redis.Redis) -> None:
    failure = answers(client, "eu", "trl_0123456789abcdef", status=Status.DOWN, reason=Reason.TIMEOUT)
    streams = Streams(client, PublishedRegionKeys(client, macs()), 60_000)
    streams.follow_region("eu", 0)
    now_ms = redis_now_ms(client)
    [arrival] = streams.read(1, now_ms)
    assert isinstance(arrival, Arrival)
    assert (list(arrival.results), streams.refusals.tell()) == ([], {})
    intake = Intake({failure.monitor: 1})
    intake.take(1, f"{now_ms}-0", wire.encode([failure]), now_ms)
    assert (intake.results, intake.missing, intake.strangers) == (0, {}, [])


def test_what_cannot_be_tried_is_refused_by_field(client: redis.Redis, api: Api) -> None:
    heartbeat = create_heartbeat(default_team(), {"name": "backup"})
    regions("eu")
    http = {"kind": "http", "config": {"url": "https://x.test/"}}
    unsaved = "monitors/test"
    refused: list[tuple[str, dict[str, Any], str]] = [
        (f"monitors/{heartbeat.monitor.public_id}/test", {"regions": ["eu"]}, "kind"),
        (unsaved, {**http, "regions": []}, "regions"),
        (unsaved, {**http, "regions": ["nowhere"]}, "regions"),
        (unsaved, {**http, "config": {"url": "gopher://x.test"}}, "config"),
        (unsaved, {**http, "colour": "red"}, "colour"),
    ]
    billed = {"kind": "http", "config": {"url": "https://api.openai.com/v1/chat/completions", "method": "POST"}}
    refused.append((unsaved, billed, "config"))
    for path, body, field in refused:
        code, problem = api("POST", path, body)
        assert (code, field in str(problem)) == (400, True), (path, problem)
    assert Api(default_team(), Scope.READ)("POST", "monitors/test", http)[0] == 403


def test_a_team_begins_so_many_trials_a_minute(client: redis.Redis, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    regions("eu")
    lives(client, "eu")
    monkeypatch.setattr(trial_limits, "HOST_MOST", 2)
    now_ms = redis_now_ms(client)
    monkeypatch.setattr(trials, "redis_now_ms", lambda _: now_ms)

    def begin(address: str, query: str) -> int:
        body = {"kind": "http", "config": {"url": address}}
        return api("POST", f"monitors/test?{query}", body)[0]

    of_file = [begin(f"https://x.test:{port}/", "batch=true") for port in (1, 2, 3)]
    assert (of_file, begin("https://y.test/", "batch=true")) == ([202, 202, 429], 202)
    # Those of a file leave a person's alone.
    by_hand = [begin("https://x.test/", "wait=false") for _ in range(TrialLane.BY_HAND.most + 1)]
    assert by_hand == [202] * TrialLane.BY_HAND.most + [429]
    team = default_team().public_id
    client.set(keys.trials(f"{team}:file", now_ms // 60_000), TrialLane.OF_FILE.most)
    assert begin("https://z.test/", "batch=true") == 429


@pytest.mark.parametrize(
    ("host", "bare"),
    [("X.test.:8443", "x.test"), ("user:key@x.test", "x.test"), ("[2001:db8::1]:443", "[2001:db8::1]"), ("?", "?")],
)
def test_a_host_counts_once_for_all_its_ports(host: str, bare: str) -> None:
    assert trial_limits.bare_host(host) == bare


def test_without_redis_no_region_can_be_asked(api: Api, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    regions("eu")
    away = redis.Redis(port=closed_port())
    monkeypatch.setattr(trials, "redis_client", lambda: away)
    code, _ = api("POST", "monitors/test", {"kind": "http", "config": {"url": "https://x.test/"}})
    assert code == 503
    assert api("GET", "trials/trl_0123456789abcdef")[0] == 503


def queued(region: str) -> bytes:
    """The one batch that waits in a region's queue for rounds."""
    queue = keys.queue(region, wire.Lane.CONFIRM)
    with (
        region_app(region, os.environ["VIGIL_REDIS_URL"]).connection_for_read() as link,
        link.SimpleQueue(queue, accept=["vigil"]) as waiting,
    ):
        message = waiting.get(block=False)
        message.ack()
        (payload, _), _, _ = message.payload
        return bytes(payload)
