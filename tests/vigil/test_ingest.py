"""The ingest process on real servers: what it cannot read it passes, what is said of regions it tells once."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import redis
from django.db import connection
from msgspec.structs import replace

from consensus.outcome import verdict_of
from consensus.quorum import decide
from consensus.verdicts import Quarantine, decode_verdict, encode
from consensus.vocabulary import Exclusion
from probes import keys
from probes.process.health import Health
from probes.process.liveness import Liveness
from probes.wire import RegionStatus
from tests.consensus.examples import FIVE_REGIONS, make_round, make_vote
from tests.signed import control_entry, control_signer, hold_quarantines, macs, mark_alive, say_alive, signing_key
from tests.streams import add
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.incidents.models import Incident, IngestPosition
from vigil.ingest import Ingest
from vigil.monitors.changes import create_monitor
from vigil.monitors.models import Monitor, Region

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_S = 15.0


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def monitor() -> Monitor:
    regions = [
        Region.objects.create(slug=slug, domain=domain, signing_key=signing_key(slug))
        for slug, domain in FIVE_REGIONS.items()
    ]
    config = {"url": "https://example.test/"}
    return create_monitor(default_team(), {"name": "shop", "kind": "http", "config": config, "regions": regions})


@contextlib.contextmanager
def running(client: redis.Redis) -> Iterator[Ingest]:
    stop = threading.Event()
    ingest = Ingest(client, Health("ingest", stale_after_s=15))

    def live() -> None:
        try:
            ingest.run(stop)
        finally:
            connection.close()

    thread = threading.Thread(target=live, daemon=True)
    thread.start()
    try:
        yield ingest
    finally:
        stop.set()
        thread.join(PATIENCE_S)


def calls(client: redis.Redis, command: str) -> int:
    """How often the server was asked this, by anybody."""
    found = client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})
    return int(found["calls"])


def down(monitor: Monitor, at_ms: int = 1_700_000_000_000) -> bytes:
    round = make_round(opened_ms=at_ms)
    votes = [make_vote(region, "fail") for region in FIVE_REGIONS]
    decision = decide(round, votes, 1)
    assert decision is not None
    verdict = verdict_of(round, decision, votes, at_ms + 500, 1)
    return encode(replace(verdict, monitor=monitor.public_id, revision=monitor.revision, epoch=1))


@pytest.mark.parametrize("garbage", [{keys.BODY: b"\xc1 not a verdict"}, {b"other": b"field"}, {keys.BODY: b""}])
def test_an_entry_that_cannot_be_read_is_passed_once(
    client: redis.Redis, monitor: Monitor, garbage: dict[bytes, bytes]
) -> None:
    unreadable = add(client, keys.VERDICTS, garbage)
    with running(client) as ingest:
        # A reader that stays before it would be given it again at once, without end.
        until(lambda: ingest._stream.position == unreadable, "the position behind it")
        entry = add(client, keys.VERDICTS, control_entry(keys.VERDICTS, down(monitor)))
        until(Incident.objects.exists, "the verdict that follows")

    assert IngestPosition.objects.get(pk=keys.VERDICTS).entry_id == entry


def test_f_a_verdict_is_told_soon_after_a_lock_on_the_table_of_states_is_given_back(
    client: redis.Redis, monitor: Monitor
) -> None:
    url = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0] + f"/{connection.settings_dict['NAME']}"
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'incidents_monitorstate'::regclass"
    with running(client):
        with psycopg.connect(url) as stranger:
            stranger.execute("LOCK TABLE incidents_monitorstate IN ACCESS EXCLUSIVE MODE")
            add(client, keys.VERDICTS, control_entry(keys.VERDICTS, down(monitor)))
            until(lambda: (stranger.execute(waiting).fetchone() or (0,))[0] > 0, "it to wait for the lock")
        freed_s = time.monotonic()
        until(Incident.objects.exists, "the incident")
        assert time.monotonic() - freed_s < 5.0
    assert Incident.objects.count() == 1


def test_a_region_in_quarantine_is_told_while_consensus_says_so(client: redis.Redis, monitor: Monitor) -> None:
    def say(*quarantines: Quarantine) -> None:
        hold_quarantines(client, *quarantines)

    def open_causes() -> list[str]:
        return list(Incident.objects.filter(resolved_at=None, kind="blind").values_list("cause_key", flat=True))

    say(Quarantine(1, "eu-west", 1_700_000_000_000, Exclusion.SICK, "It fails alone."))
    with running(client):
        until(lambda: "sick:eu-west" in open_causes(), "the incident")
        client.delete(keys.QUARANTINED)
        asked = calls(client, "hgetall")
        until(lambda: calls(client, "hgetall") > asked, "another look at the regions")
        assert "sick:eu-west" in open_causes()
        say()
        until(lambda: "sick:eu-west" not in open_causes(), "its end")

    assert Incident.objects.filter(cause_key="sick:eu-west").count() == 1


@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_a_region_that_is_to_work_no_more_hears_nothing_more(client: redis.Redis, how: str) -> None:
    Region.objects.create(slug="eu-west", domain="aws")
    leaving = Region.objects.create(slug="us-east", domain="gcp")
    mark_alive(client, "dispatch")
    with running(client):
        until(lambda: client.hget(keys.alive("us-east"), "dispatch"), "a sign of life")
        if how == "disabled":
            Region.objects.filter(pk=leaving.pk).update(enabled=False)
        else:
            leaving.delete()
        until(lambda: client.hkeys(keys.alive("us-east")) == [b"dismissed"], "the dismissal")
        # A dispatcher that has not read of it yet passes its sign of life on once more.
        Liveness(client, "dispatch", macs(), control_signer()).beat(["us-east"])
        until(lambda: client.hkeys(keys.alive("us-east")) == [b"dismissed"], "another one")
        assert not client.hexists(keys.alive("eu-west"), keys.DISMISSED)
        Region.objects.update_or_create(slug="us-east", defaults={"domain": "gcp", "enabled": True})
        until(lambda: client.hget(keys.alive("us-east"), "dispatch"), "a sign of life again")
        assert not client.hexists(keys.alive("us-east"), keys.DISMISSED)


def test_a_region_that_writes_over_its_keys_stops_nobody(client: redis.Redis, monitor: Monitor) -> None:
    client.set(keys.alive("eu-west"), "mine")
    mark_alive(client, "dispatch")
    with running(client):
        until(lambda: client.type(keys.alive("eu-west")) == b"hash", "what belongs there")
        client.xadd(keys.VERDICTS, control_entry(keys.VERDICTS, down(monitor)))
        until(Incident.objects.exists, "the verdict")


def test_a_region_may_say_what_it_likes_of_itself(client: redis.Redis, monitor: Monitor) -> None:
    good = RegionStatus(1, 5, 0, 0, 0, 0, "0" * 32, "r")
    say_alive(client, "eu-west", good)
    say_alive(client, "us-west", replace(good, boot="\x00"))
    client.set(keys.status("us-east"), b"junk")
    with running(client):
        until(lambda: Region.objects.filter(slug="eu-west", worker_boot="0" * 32).exists(), "what one says")
        entry = add(client, keys.VERDICTS, control_entry(keys.VERDICTS, down(monitor)))
        until(Incident.objects.exists, "the verdict that follows")
    assert entry and not Region.objects.exclude(slug="eu-west").exclude(worker_boot="").exists()


def test_a_position_of_the_far_future_is_left_once_the_stream_has_begun_anew(
    client: redis.Redis, monitor: Monitor
) -> None:
    last = f"{2**63 - 1}-1"
    IngestPosition.objects.create(stream=keys.VERDICTS, entry_id=last)
    with running(client):
        entry: Any = client.xadd(keys.VERDICTS, control_entry(keys.VERDICTS, down(monitor)))
        until(Incident.objects.exists, "the verdict")
        until(lambda: IngestPosition.objects.get(pk=keys.VERDICTS).entry_id == entry.decode(), "its position")


def test_s2_a_verdict_with_words_that_no_column_takes_is_applied_without_them(
    client: redis.Redis, monitor: Monitor
) -> None:
    verdict = decode_verdict(down(monitor))
    votes = [replace(vote, detail="\0no", address="\0" + "0" * 400) for vote in verdict.votes]
    bad = replace(verdict, explanation=verdict.explanation + "\0", votes=votes, suspected_ms=32_503_680_000_000)
    with running(client):
        client.xadd(keys.VERDICTS, control_entry(keys.VERDICTS, encode(bad)))
        until(Incident.objects.exists, "the incident")

    assert Incident.objects.get().started_at.timestamp() * 1000 == verdict.decided_ms


def test_t_sec_27_forged_verdicts_quarantines_and_letters_open_no_incident(
    client: redis.Redis, monitor: Monitor
) -> None:
    """Who holds the password of Redis may write to every key."""
    forged = replace(decode_verdict(down(monitor)), epoch=2**50)
    held = Quarantine(1, "eu-west", 1, Exclusion.SICK, "forged")
    client.xadd(keys.VERDICTS, {keys.BODY: encode(forged)})
    client.xadd(keys.VERDICTS, control_entry(keys.CALLS, encode(forged)))
    client.hset(keys.QUARANTINED, mapping={keys.QUARANTINED_MARK: b"1", b"eu-west": encode(held)})
    client.xadd(keys.DEAD_LETTERS, {keys.BODY: b"\x90"})
    client.set(keys.REGION_KEYS, b"forged")
    with running(client):
        until(lambda: client.hget(keys.REFUSED, "verdicts/forged"), "a count of the verdicts")
        until(lambda: not client.xlen(keys.DEAD_LETTERS), "the letter to be dropped")
        assert not Incident.objects.exists()
        entry: Any = client.xadd(keys.VERDICTS, control_entry(keys.VERDICTS, down(monitor)))
        until(lambda: IngestPosition.objects.filter(entry_id=entry.decode()).exists(), "the real one")
    assert [incident.monitor_id for incident in Incident.objects.all()] == [monitor.pk]
    position = IngestPosition.objects.get(pk=keys.VERDICTS)
    assert position.epoch == 1, "a forged epoch would have fenced out every real verdict"
