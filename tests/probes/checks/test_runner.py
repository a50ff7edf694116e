"""The runner: each check at its time, bounded by lane, and always with a result."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from probes.ai.streams.facts import NOT_SENT
from probes.checks.admission import Bounds
from probes.checks.lateness import missed, order_of, overdue, too_late, wait_ms
from probes.checks.runner import Runner
from probes.probers import encode_spec, parse_spec
from probes.reasons import Reason, Status
from probes.seal import Opener, Sealer, binding, generate_keypair
from probes.wire import Batch, Check, Lane, Result
from tests.probes.loopback import OK, answering, closed_port, serving, silent, way_out
from tests.waiting import until_async


def check(port: int, monitor: str = "mon_a", *, ahead_ms: int = 0, good_for_ms: int = 30_000, **fields: Any) -> Check:
    at_ms = int(time.time() * 1000) + ahead_ms
    spec = fields.pop("spec", None) or encode_spec(parse_spec("http", {"url": f"http://127.0.0.1:{port}/"}))
    values = {"kind": "http", "timeout_ms": 5000, **fields}
    return Check(v=1, monitor=monitor, at_ms=at_ms, expires_ms=at_ms + good_for_ms, spec=msgspec.Raw(spec), **values)


def batch(*checks: Check, lane: Lane = Lane.SCHEDULED) -> Batch:
    return Batch(1, "eu-west", lane, list(checks))


class Results(list[Result]):
    """What a runner published, and a way to wait for it."""

    async def until(self, reached: Callable[[Results], bool]) -> None:
        await until_async(lambda: reached(self), "results")

    async def until_there_are(self, number: int) -> None:
        await self.until(lambda results: len(results) >= number)


PLENTY = Bounds()


@contextlib.asynccontextmanager
async def running(bounds: Bounds = PLENTY, opener: Opener | None = None) -> AsyncIterator[tuple[Runner, Results]]:
    results = Results()
    async with way_out() as dialer:
        runner = Runner(dialer, opener, results.append, bounds)
        yield runner, results
        await runner.drain(0)


def test_a_check_becomes_a_result_that_names_its_order(on_loop: Any) -> None:
    async def story() -> Result:
        async with serving(answering(OK)) as port, running() as (runner, results):
            runner.submit(batch(check(port, revision=7)))
            await results.until_there_are(1)
            return results[0]

    result = on_loop(story())
    assert (result.monitor, result.status, result.code, result.revision) == ("mon_a", Status.UP, 200, 7)
    assert (result.round, result.look, result.attempts) == ("", 0, 1)
    assert 0 <= result.started_ms - result.at_ms < 1000


def test_the_same_order_twice_is_run_once(on_loop: Any) -> None:
    async def story() -> int:
        async with serving(answering(OK)) as port, running() as (runner, results):
            order = check(port)
            runner.submit(batch(order, order))
            runner.submit(batch(order, check(port, "mon_b")))
            await results.until(lambda all_of_them: any(each.monitor == "mon_b" for each in all_of_them))
            return len(results)

    assert on_loop(story()) == 2


def test_a_check_waits_for_its_time(on_loop: Any) -> None:
    async def story() -> Result:
        async with serving(answering(OK)) as port, running() as (runner, results):
            runner.submit(batch(check(port, ahead_ms=400)))
            await results.until_there_are(1)
            return results[0]

    result = on_loop(story())
    assert -20 <= result.started_ms - result.at_ms < 300


def test_the_clock_that_counts_is_that_of_redis(on_loop: Any) -> None:
    async def story() -> Result:
        async with serving(answering(OK)) as port, running() as (runner, results):
            # This machine is a minute ahead of Redis, where the check is due 59 s ago by the machine's clock.
            runner.offset_ms = 60_000.0
            runner.submit(batch(check(port, ahead_ms=-60_000, good_for_ms=5_000)))
            await results.until_there_are(1)
            return results[0]

    result = on_loop(story())
    assert (result.status, abs(result.started_ms - result.at_ms) < 1000) == (Status.UP, True)


def test_a_check_that_comes_too_late_is_missed_and_not_run(on_loop: Any) -> None:
    requests: list[bytes] = []

    async def story() -> Result:
        async with serving(answering(OK, seen=requests)) as port, running() as (runner, results):
            runner.submit(batch(check(port, ahead_ms=-2000, good_for_ms=1000)))
            await results.until_there_are(1)
            return results[0]

    result = on_loop(story())
    assert (result.status, result.reason, result.attempts) == (Status.UNKNOWN, Reason.MISSED, 0)
    assert requests == []


def test_a_check_that_waits_too_long_for_a_place_is_missed(on_loop: Any) -> None:
    async def story() -> dict[str, Reason]:
        async with serving(silent) as port, running(Bounds(scheduled=1)) as (runner, results):
            first = check(port, "mon_first", timeout_ms=800)
            runner.submit(batch(first, check(port, "mon_waiting", good_for_ms=300)))
            await results.until_there_are(2)
            return {each.monitor: each.reason for each in results}

    assert on_loop(story()) == {"mon_first": Reason.TIMEOUT, "mon_waiting": Reason.MISSED}


def test_more_checks_than_may_wait_are_missed_at_once(on_loop: Any) -> None:
    async def story() -> list[Result]:
        async with serving(silent) as port, running(Bounds(scheduled=1, waiting=2)) as (runner, results):
            runner.submit(batch(*[check(port, f"mon_{i}") for i in range(5)]))
            return list(results)

    assert [each.monitor for each in on_loop(story())] == ["mon_3", "mon_4"]


def test_a_check_of_a_round_votes_on_two_attempts(on_loop: Any) -> None:
    async def story() -> Result:
        async with running() as (runner, results):
            runner.submit(batch(check(closed_port(), round="rnd_1", look=2), lane=Lane.CONFIRM))
            await results.until_there_are(1)
            return results[0]

    result = on_loop(story())
    assert (result.reason, result.attempts, result.round, result.look) == (Reason.REFUSED, 2, "rnd_1", 2)


def test_a_canary_is_asked_once_although_it_fails(on_loop: Any) -> None:
    async def story() -> Result:
        async with running() as (runner, results):
            runner.submit(batch(check(closed_port(), round="can_1")))
            await results.until_there_are(1)
            return results[0]

    result = on_loop(story())
    assert (result.status, result.round, result.attempts) == (Status.DOWN, "can_1", 1)


def test_a_slow_answer_is_announced_once_and_then_told(on_loop: Any) -> None:
    async def story() -> list[Result]:
        async with serving(silent) as port, running() as (runner, results):
            runner.submit(batch(check(port, soft_ms=100, timeout_ms=400)))
            await results.until_there_are(2)
            return list(results)

    first, second = on_loop(story())
    assert (first.status, first.reason) == (Status.UNKNOWN, Reason.OVERDUE)
    assert (second.status, second.reason) == (Status.DOWN, Reason.TIMEOUT)
    assert (first.at_ms, first.started_ms) == (second.at_ms, second.started_ms)


def test_a_quick_answer_is_not_announced(on_loop: Any) -> None:
    async def story() -> list[Reason]:
        async with serving(answering(OK)) as good, serving(silent) as hanging, running() as (runner, results):
            runner.submit(batch(check(good, soft_ms=150)))
            await results.until_there_are(1)
            # By the time that this one is announced, the first would have been.
            runner.submit(batch(check(hanging, "mon_later", soft_ms=200)))
            await results.until(lambda all_of_them: any(each.monitor == "mon_later" for each in all_of_them))
            return [each.reason for each in results]

    assert on_loop(story()) == [Reason.OK, Reason.OVERDUE]


def test_500_hanging_scheduled_checks_do_not_hold_up_one_that_confirms(on_loop: Any) -> None:
    async def story() -> float:
        hanging, good, worker = serving(silent), serving(answering(OK)), running(Bounds(scheduled=200))
        async with hanging as nowhere, good as somewhere, worker as (runner, results):
            runner.submit(batch(*[check(nowhere, f"mon_{i}") for i in range(500)]))
            while runner.in_flight < 200 or not runner.oldest_age_ms():
                await asyncio.sleep(0.005)
            confirming = check(somewhere, "mon_confirm", round="rnd_1", look=1)
            runner.submit(batch(confirming, lane=Lane.CONFIRM))
            await results.until(lambda all_of_them: any(each.round for each in all_of_them))
            confirmed = next(each for each in results if each.round)
            assert confirmed.status is Status.UP
            return confirmed.started_ms - confirmed.at_ms

    assert on_loop(story()) < 250


@pytest.mark.parametrize(
    ("kind", "spec"),
    [("http", msgspec.msgpack.encode({"url": "file:///x"})), ("smoke-signals", msgspec.msgpack.encode({}))],
)
def test_an_order_that_cannot_be_run_is_our_fault_and_no_vote(on_loop: Any, kind: str, spec: bytes) -> None:
    async def story() -> Result:
        async with running() as (runner, results):
            runner.submit(batch(check(0, kind=kind, spec=spec)))
            await results.until_there_are(1)
            return results[0]

    result = on_loop(story())
    assert (result.status, result.reason) == (Status.UNKNOWN, Reason.PROBE_ERROR)
    assert result.detail.startswith("the order cannot be run here: ")


def sealed_to(public: bytes, order: Check) -> Check:
    bound = binding("eu-west", order.monitor, order.kind, bytes(order.spec))
    return msgspec.structs.replace(order, sealed=Sealer(public).seal_secrets({"bearer": "tok-123"}, bound))


def test_sealed_secrets_are_opened_with_the_regions_key(on_loop: Any) -> None:
    requests: list[bytes] = []
    private, public = generate_keypair()

    async def story() -> Result:
        async with (
            serving(answering(OK, seen=requests)) as port,
            running(opener=Opener(private, "eu-west")) as (runner, results),
        ):
            runner.submit(batch(sealed_to(public, check(port))))
            await results.until_there_are(1)
            return results[0]

    result = on_loop(story())
    assert result.status is Status.UP
    assert b"Authorization: Bearer tok-123\r\n" in requests[0]
    assert "tok-123" not in repr(result)


def test_s08_a_captured_box_on_another_address_or_monitor_sends_nothing_and_the_rest_goes_on(on_loop: Any) -> None:
    requests: list[bytes] = []
    private, public = generate_keypair()

    async def story() -> Results:
        answers = answering(OK, seen=requests)
        async with serving(answers) as port, running(opener=Opener(private, "eu-west")) as (runner, results):
            captured = sealed_to(public, check(closed_port())).sealed
            runner.submit(batch(check(port, sealed=captured), check(port, "mon_evil", sealed=captured)))
            runner.submit(batch(check(port, "mon_old", sealed=b"\x02" + bytes(72)), check(port, "mon_plain")))
            await results.until_there_are(4)
            return results

    found = {result.monitor: (result.status, result.reason) for result in on_loop(story())}
    refused = (Status.UNKNOWN, Reason.PROBE_ERROR)
    assert found == {"mon_a": refused, "mon_evil": refused, "mon_old": refused, "mon_plain": (Status.UP, Reason.OK)}
    assert len(requests) == 1 and b"tok-123" not in requests[0]


@pytest.mark.parametrize("has_key", [True, False])
def test_secrets_sealed_to_another_region_are_no_vote(on_loop: Any, has_key: bool) -> None:
    async def story() -> Result:
        opener = Opener(generate_keypair()[0]) if has_key else None
        async with running(opener=opener) as (runner, results):
            runner.submit(batch(sealed_to(generate_keypair()[1], check(1))))
            await results.until_there_are(1)
            return results[0]

    result = on_loop(story())
    assert (result.status, result.reason) == (Status.UNKNOWN, Reason.PROBE_ERROR)
    assert "this region" in result.detail


def test_draining_reports_what_will_not_be_seen(on_loop: Any) -> None:
    async def story() -> list[Result]:
        async with serving(silent) as port, running(Bounds(scheduled=1)) as (runner, results):
            runner.submit(batch(check(port, "mon_running"), check(port, "mon_waiting")))
            await runner.drain(0.1)
            return list(results)

    results = on_loop(story())
    assert {each.monitor: each.reason for each in results} == {
        "mon_running": Reason.MISSED,
        "mon_waiting": Reason.MISSED,
    }


def test_a_worker_that_stops_runs_what_it_was_sent_a_moment_ahead_and_reports_the_rest(on_loop: Any) -> None:
    async def story() -> list[Result]:
        async with serving(answering(OK)) as port, running() as (runner, results):
            runner.submit(batch(check(port, "mon_near", ahead_ms=400), check(port, "mon_far", ahead_ms=30_000)))
            await runner.drain(10)
            return list(results)

    assert [(one.monitor, one.reason, one.detail) for one in on_loop(story())] == [
        ("mon_far", Reason.MISSED, "the worker is stopping"),
        ("mon_near", Reason.OK, ""),
    ]


def test_what_comes_while_a_worker_stops_is_missed_and_does_not_keep_it(on_loop: Any) -> None:
    async def story() -> list[Result]:
        async with serving(answering(OK)) as port, running() as (runner, results), asyncio.timeout(20):
            runner.submit(batch(check(port, "mon_near", ahead_ms=300)))
            draining = asyncio.ensure_future(runner.drain(1))
            while not draining.done():
                # A slot ahead at every turn, as of a worker that is alone.
                await asyncio.sleep(0.02)
                runner.submit(batch(check(port, "mon_late", ahead_ms=500)))
            return list(results)

    found = on_loop(story())
    assert {(one.monitor, one.reason) for one in found} == {("mon_near", Reason.OK), ("mon_late", Reason.MISSED)}
    assert {one.detail for one in found} == {"", "the worker is stopping"}


def test_lateness_is_decided_by_the_clock_it_is_given() -> None:
    order = Check(1, "mon_a", "http", 1000, 3000, 500, msgspec.Raw(b""), soft_ms=100, round="r", look=1)
    assert [wait_ms(order, now) for now in (0, 999, 1000, 5000)] == [1000, 1, 0, 0]
    assert [too_late(order, now) for now in (0, 2999, 3000)] == [False, False, True]
    assert order_of(order) == ("mon_a", 1000, "r", 1)
    assert missed(order, 3000, "why").started_ms == 3000
    assert overdue(order, 1100).reason is Reason.OVERDUE


@pytest.mark.parametrize(("round", "was_started", "facts"), [
    ("can_1", False, {NOT_SENT: True}), ("can_1", True, {}), ("r", False, {}), ("", False, {}),
])  # fmt: skip
def test_a_canary_that_was_not_started_says_that_nothing_was_sent(
    round: str, was_started: bool, facts: dict[str, bool]
) -> None:
    order = Check(1, "mon_a", "canary", 1000, 3000, 500, msgspec.Raw(b""), round=round)
    assert missed(order, 3000, "why", was_started).facts == facts
