"""The consensus process on a real Redis: it calls, decides, hands over, and can be killed anywhere."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest
import redis
from msgspec.structs import replace

from consensus.process.lease import ConsensusLease
from consensus.verdicts import Belief, Call, Round, Verdict, decode_call, decode_quarantine, decode_verdict, encode
from consensus.vocabulary import Cause, Exclusion
from probes import keys, wire
from probes.process.connections.clients import open_both
from probes.reasons import Reason, Status
from probes.wire import Phases, RegionStatus
from tests.consensus.examples import FIVE_REGIONS, make_result, make_round
from tests.signed import control_entry, report, results_entry, say_alive, trust
from tests.streams import add, entries
from tests.waiting import until

REGIONS = sorted(FIVE_REGIONS)
PATIENCE_S = 15.0


class Bench:
    """Redis, where asked for in two servers, and what a test does to it in the place of the other parts."""

    def __init__(self, url: str, control_url: str = "") -> None:
        self.url = url
        self.control_url = control_url
        self.client = open_both(url, control_url)

    def now_ms(self) -> int:
        seconds, micros = self.client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    def believe_all_up(self) -> None:
        self.client.hset(keys.BELIEVED, keys.BELIEVED_MARK.decode(), "1")
        trust(self.client, *REGIONS)

    def report(self, region: str, saw: str, round: Round | None = None, monitor: str = "mon_example") -> None:
        result = make_result(saw, round.id if round else "", 1 if round else 0, self.now_ms())
        result = replace(result, monitor=monitor)
        report(self.client, region, result)

    def open(self, **options: object) -> Round:
        round = make_round(opened_ms=self.now_ms(), **options)  # type: ignore[arg-type]
        self.client.xadd(keys.ROUNDS, control_entry(keys.ROUNDS, encode(round)))
        return round

    def verdicts(self) -> list[Verdict]:
        return [decode_verdict(fields[keys.BODY]) for _, fields in entries(self.client, keys.VERDICTS)]

    def calls(self) -> list[Call]:
        return [decode_call(fields[keys.BODY]) for _, fields in entries(self.client, keys.CALLS)]


@pytest.fixture
def bench(redis_url: str) -> Iterator[Bench]:
    bench = Bench(redis_url)
    bench.believe_all_up()
    yield bench
    bench.client.close()


@contextlib.contextmanager
def running(bench: Bench) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "VIGIL_REDIS_URL": bench.url, "VIGIL_HEALTH_PORT": "0"}
    process = subprocess.Popen([sys.executable, "-m", "consensus"], env=environment, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        process.wait(10)


def test_a_failure_is_called_and_a_quorum_decides(bench: Bench) -> None:
    with running(bench):
        bench.report("eu-west", "fail")
        until(bench.calls, "a call")
        (call,) = bench.calls()
        assert (call.region, call.cause, call.status) == ("eu-west", Cause.FAILURE, Status.DOWN)

        round = bench.open(caller="eu-west")
        for region in REGIONS[:4]:
            bench.report(region, "fail", round)
        until(bench.verdicts, "a verdict")

    (verdict,) = bench.verdicts()
    assert (verdict.status, verdict.round) == (Status.DOWN, round.id)
    assert verdict.epoch > 0


def test_the_region_of_a_result_is_the_stream_it_came_on(bench: Bench) -> None:
    with running(bench) as process:
        round = bench.open()
        for _ in range(5):
            bench.report("eu-west", "fail", round)
        bench.report("eu-west", "fail", monitor="mon_other")
        until(bench.calls, "the call that shows that everything before was read")
        assert bench.verdicts() == []
        assert process.poll() is None


def test_killed_while_a_round_is_open_it_decides_the_same_round_after_a_restart(bench: Bench) -> None:
    with running(bench) as process:
        round = bench.open()
        for region in REGIONS[:2]:
            bench.report(region, "fail", round)
        bench.report("us-west", "fail", monitor="mon_other")
        until(bench.calls, "the call that shows that the votes were read")
        process.kill()
        process.wait(5)
    for region in REGIONS[2:]:
        bench.report(region, "fail", round)

    with running(bench):
        until(bench.verdicts, "a verdict")

    assert [(verdict.round, verdict.status) for verdict in bench.verdicts()] == [(round.id, Status.DOWN)]


def test_a_deadline_decides_when_nothing_more_comes(bench: Bench) -> None:
    with running(bench):
        bench.open(regions={"eu-west": "aws", "us-west": "hetzner"}, assigned=2)
        short = replace(make_round(opened_ms=bench.now_ms()), look_length_ms=300)
        bench.client.xadd(keys.ROUNDS, control_entry(keys.ROUNDS, encode(short)))
        until(bench.verdicts, "a verdict at the deadline")

    assert bench.verdicts()[0].status is Status.UNKNOWN


def test_a_second_decider_takes_over_when_the_first_is_killed(bench: Bench) -> None:
    with running(bench) as first:
        bench.report("eu-west", "fail")
        until(bench.calls, "the first to lead")
        with running(bench):
            first.kill()
            first.wait(5)
            until(lambda: not bench.client.exists(keys.lease("consensus")), "the lease to run out")
            until(lambda: bench.client.exists(keys.lease("consensus")), "the second to take it")
            round = bench.open()
            for region in REGIONS:
                bench.report(region, "fail", round)
            until(bench.verdicts, "a verdict of the second")

    assert [verdict.round for verdict in bench.verdicts()] == [round.id]


def test_a_paused_decider_wakes_up_without_its_lease(redis_url: str) -> None:
    clock = [0.0]
    with redis.Redis.from_url(redis_url) as client:
        paused = ConsensusLease(client, "consensus", "paused", lambda: clock[0])
        first = paused.renew()
        clock[0] += 30.0
        assert paused.epoch == 0

        client.delete(keys.lease("consensus"))
        second = ConsensusLease(client, "consensus", "second", time.monotonic).renew()
        assert second > first
        assert paused.renew() == 0


def test_the_epoch_grows_even_when_redis_has_lost_everything(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        before = ConsensusLease(client, "consensus", "a", time.monotonic).renew()
        client.flushdb()

        assert ConsensusLease(client, "consensus", "b", time.monotonic).renew() > before


def test_rubbish_on_a_stream_is_dropped(bench: Bench) -> None:
    for rubbish in ({keys.BODY: b"\xff\x00"}, {b"other": b"x"}, {keys.BODY: b"\x91" * 1000}):
        add(bench.client, keys.results("eu-west"), rubbish)
        add(bench.client, keys.ROUNDS, rubbish)
    with running(bench):
        bench.report("eu-west", "fail")
        until(bench.calls, "a call after the rubbish")


def test_it_survives_the_loss_of_everything_in_redis(bench: Bench) -> None:
    with running(bench):
        bench.report("eu-west", "fail")
        until(bench.calls, "a call")
        bench.client.flushdb()
        bench.believe_all_up()

        def called_again() -> list[Call]:
            bench.report("eu-west", "fail")
            return bench.calls()

        until(called_again, "a call after the loss")


def test_a_wrong_redis_url_is_one_line() -> None:
    environment = {**os.environ, "VIGIL_REDIS_URL": "bogus"}
    command = [sys.executable, "-m", "consensus"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)

    assert ended.returncode == 2
    assert ended.stderr.strip() == (
        "vigil-consensus: VIGIL_REDIS_URL: Value error, "
        "must look like redis://user:password@host:6379/0, or rediss:// with TLS"
    )


def test_s08_a_redis_elsewhere_without_tls_is_refused_in_one_line() -> None:
    environment = {**os.environ, "VIGIL_REDIS_URL": "redis://:hidden@redis:6379/0"}
    command = [sys.executable, "-m", "consensus"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=20, check=False)

    assert ended.returncode == 2
    assert ended.stderr.startswith("vigil-consensus: VIGIL_REDIS_URL: Value error, must be rediss:// off this machine")
    assert ended.stderr.count("\n") == 1 and "hidden" not in ended.stderr


def test_a_redis_that_was_never_there_is_one_line() -> None:
    environment = {**os.environ, "VIGIL_REDIS_URL": "redis://:hidden@127.0.0.1:1/0"}
    command = [sys.executable, "-m", "consensus"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=40, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("vigil-consensus: no Redis where VIGIL_REDIS_URL says")
    assert ended.stderr.count("\n") == 1
    assert "hidden" not in ended.stderr


def test_wrong_settings_are_one_line(tmp_path: object) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIGIL_REDIS_URL"}
    ended = subprocess.run(
        [sys.executable, "-m", "consensus"], env=environment, capture_output=True, text=True, timeout=20, check=False
    )

    assert ended.returncode == 2
    assert ended.stderr.strip() == "vigil-consensus: VIGIL_REDIS_URL: Field required"


def passes(bench: Bench, region: str, number: int, total_us: int = 80_000) -> None:
    results = [replace(make_result("pass", started_ms=bench.now_ms()), phases=Phases(total_us=total_us))] * number
    report(bench.client, region, *results)


def test_a_region_that_fails_alone_is_put_into_quarantine_and_stays_there_over_a_restart(bench: Bench) -> None:
    def quarantined() -> list[str]:
        fields: dict[bytes, bytes] = cast(Any, bench.client.hgetall(keys.QUARANTINED))
        return [decode_quarantine(payload).region for name, payload in fields.items() if name != keys.QUARANTINED_MARK]

    def look_again() -> list[str]:
        for number in range(6):
            for region in REGIONS:
                bench.report(region, "fail" if region == "eu-west" else "pass", monitor=f"mon_{number}")
        return quarantined()

    with running(bench):
        bench.open()
        until(look_again, "the quarantine")
        assert quarantined() == ["eu-west"]
    for region in REGIONS:
        bench.client.delete(keys.results(region))

    with running(bench):
        round = bench.open()
        for region in REGIONS:
            bench.report(region, "fail" if region == "eu-west" else "pass", round)
        until(lambda: [one for one in bench.verdicts() if one.round == round.id], "a verdict")

    (verdict,) = [one for one in bench.verdicts() if one.round == round.id]
    assert [(one.region, one.why) for one in verdict.excluded] == [("eu-west", Exclusion.SICK)]
    assert quarantined() == ["eu-west"]


def test_a_region_whose_status_says_that_its_anchors_fail_has_no_vote(bench: Bench) -> None:
    adrift = RegionStatus(1, bench.now_ms(), 0, 0, 0, 0, "boot", "test", anchors=3, anchors_failing=3)
    say_alive(bench.client, "eu-west", adrift)
    with running(bench):
        until(lambda: bench.client.hexists(keys.QUARANTINED, "eu-west"), "the quarantine")
        round = bench.open()
        for region in REGIONS:
            bench.report(region, "fail" if region == "eu-west" else "pass", round)
        until(bench.verdicts, "a verdict")

    (verdict,) = bench.verdicts()
    assert [(one.region, one.why) for one in verdict.excluded] == [("eu-west", Exclusion.ANCHORS)]


def test_what_is_usual_survives_a_restart(bench: Bench) -> None:
    with running(bench):
        for region in REGIONS:
            passes(bench, region, 50)
        until(lambda: bench.client.hlen(keys.BASELINES) == len(REGIONS), "every region's series")
    for region in REGIONS:
        bench.client.delete(keys.results(region))

    with running(bench):
        round = bench.open()
        for region in REGIONS:
            slow = replace(make_result("pass", round.id, 1, bench.now_ms()), phases=Phases(total_us=800_000))
            report(bench.client, region, slow)
        until(bench.verdicts, "a verdict")

    (verdict,) = bench.verdicts()
    assert (verdict.status, verdict.failure) == (Status.DEGRADED, Reason.SLOW)
    assert verdict.votes[0].detail == "800 ms, usually 80 ms"


@pytest.mark.parametrize("ahead", [f"{2**64 - 1}-{2**64 - 1}", f"{2**64 - 1}-1", "4000000000000-0"])
def test_a_region_whose_stream_ids_are_of_the_far_future_is_heard_again_within_seconds(
    bench: Bench, ahead: str
) -> None:
    bench.client.xadd(keys.results("eu-west"), {keys.BODY: b""}, id=ahead)
    with running(bench):
        until(lambda: not bench.client.exists(keys.results("eu-west")), "the stream to be deleted")
        bench.report("eu-west", "fail")
        until(bench.calls, "a call")
        until(lambda: bench.client.hget(keys.REFUSED, "eu-west/key_overwritten"), "a count of it")


def test_p2_what_a_region_writes_is_refused_and_counted_and_the_results_beside_it_are_taken(bench: Bench) -> None:
    good = make_result("fail", started_ms=bench.now_ms())
    entry = wire.encode([replace(good, monitor="mon_ZZZZ"), replace(good, revision=2**63), good])
    with running(bench):
        damaged = entry.replace(b"ZZZZ", b"\xff\xfe\xff\xfe")
        add(bench.client, keys.results("eu-west"), results_entry("eu-west", damaged))
        bench.client.set(keys.status("eu-west"), b"\x9e\x01\xa4\xff\xfe\xff\xfe")
        until(bench.calls, "a call")
        until(lambda: bench.client.hget(keys.REFUSED, "eu-west/out_of_bounds") == b"2", "a count of both")
    assert [call.monitor for call in bench.calls()] == ["mon_example"]


def test_t_sec_27_inv_24_forged_results_rounds_and_beliefs_decide_nothing(bench: Bench) -> None:
    """Who holds the password of Redis may write to every key."""
    forged = make_round(opened_ms=bench.now_ms())
    votes = [make_result("fail", forged.id, 1, bench.now_ms())]
    payload = wire.encode(votes)
    for region in REGIONS:
        # Without a signature, and with one of another region.
        add(bench.client, keys.results(region), {keys.BODY: payload})
        add(bench.client, keys.results(region), results_entry("us-east" if region != "us-east" else "eu-west", payload))
    bench.client.xadd(keys.ROUNDS, {keys.BODY: encode(forged)})
    bench.client.xadd(keys.ROUNDS, control_entry(keys.VERDICTS, encode(forged)))
    bench.client.hset(keys.BELIEVED, "mon_example", encode(Belief(1, Status.DOWN, 1)))
    bench.client.hset(keys.QUARANTINED, mapping={"*": "1", "eu-west": b"junk"})
    bench.client.hset(keys.BASELINES, "eu-west/0", b"\x90")
    with running(bench):
        # Of what is believed nothing contradicts a pass; the failure of another monitor is called.
        bench.report("eu-west", "pass")
        bench.report("eu-west", "fail", monitor="mon_real")
        until(bench.calls, "the call that shows that everything before was read")
        until(lambda: bench.client.hget(keys.REFUSED, "rounds/unsigned"), "a count of the rounds")
    assert [call.monitor for call in bench.calls()] == ["mon_real"]
    assert bench.verdicts() == []
    counted = cast(dict[bytes, bytes], bench.client.hgetall(keys.REFUSED))
    assert counted[b"eu-west/unsigned"] == b"1" and b"eu-west/unknown_key" in counted
