"""Retry-After: who asked to be left alone is, and it is told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from probes.checks.lateness import skipped
from probes.checks.retry_after import RetryAfter, refuses_more
from probes.prober import Observation
from probes.reasons import Reason, Status
from probes.wire import Check, Lane, Result
from tests.probes.checks.test_runner import batch, check, running
from tests.probes.loopback import answering, serving

ORDER = Check(1, "mon_a", "http", 0, 0, 0, msgspec.Raw(b""), revision=1)
ROUND = msgspec.structs.replace(ORDER, round="rnd_1", look=1)


def busy(code: int, wait_s: float) -> Observation:
    return Observation(Status.DEGRADED, Reason.RATE_LIMITED, code=code, facts={"retry_after_s": wait_s})


def test_a_target_is_left_alone_for_as_long_as_it_asked() -> None:
    retry_after = RetryAfter(10)
    retry_after.note(ORDER, busy(503, 30), 1_000)
    assert [retry_after.until_ms(ORDER, now) for now in (1_000, 30_999, 31_000)] == [31_000, 31_000, 0]


def test_no_target_is_left_alone_for_more_than_an_hour() -> None:
    retry_after = RetryAfter(10)
    retry_after.note(ORDER, busy(429, 1e9), 0)
    assert retry_after.until_ms(ORDER, 0) == 3_600_000


def test_a_target_that_is_not_well_is_looked_at_again_within_five_minutes_whatever_it_asks() -> None:
    retry_after = RetryAfter(10)
    retry_after.note(ORDER, busy(503, 3_600), 0)
    assert retry_after.until_ms(ORDER, 0) == 300_000


def test_a_confirming_check_is_skipped_only_where_requests_are_the_trouble() -> None:
    retry_after = RetryAfter(10)
    retry_after.note(ORDER, busy(503, 30), 0)
    assert retry_after.until_ms(ROUND, 0) == 0
    retry_after.note(ORDER, busy(429, 30), 0)
    assert retry_after.until_ms(ROUND, 0) == 30_000


def test_another_monitor_a_changed_one_and_one_that_is_well_again_are_not_skipped() -> None:
    retry_after = RetryAfter(10)
    retry_after.note(ORDER, busy(429, 30), 0)
    assert retry_after.until_ms(msgspec.structs.replace(ORDER, monitor="mon_b"), 0) == 0
    assert retry_after.until_ms(msgspec.structs.replace(ORDER, revision=2), 0) == 0
    retry_after.note(ORDER, Observation(Status.UP, Reason.OK), 1)
    assert retry_after.until_ms(ORDER, 2) == 0


def test_what_is_remembered_is_bounded() -> None:
    retry_after = RetryAfter(2)
    orders = [msgspec.structs.replace(ORDER, monitor=f"mon_{n}") for n in range(3)]
    for order in orders:
        retry_after.note(order, busy(429, 30), 0)
    assert [bool(retry_after.until_ms(order, 0)) for order in orders] == [False, True, True]


@pytest.mark.parametrize("asked", ["soon", True, -5, 0])
def test_only_a_number_above_nothing_is_a_request(asked: Any) -> None:
    seen = Observation(Status.DEGRADED, Reason.RATE_LIMITED, code=429, facts={"retry_after_s": asked})
    assert refuses_more(seen) is False


def test_a_skipped_check_says_until_when() -> None:
    result = skipped(ORDER, 1_800_000_000_000, 1_800_000_030_000, Reason.RATE_LIMITED)
    assert (result.status, result.reason, result.attempts) == (Status.UNKNOWN, Reason.SKIPPED, 0)
    assert result.detail == "asked to wait until 08:00:30 UTC (Retry-After)"


def test_in_a_round_the_last_word_of_the_target_is_a_vote_until_the_time_it_named() -> None:
    result = skipped(ROUND, 1_800_000_000_000, 1_800_000_030_000, Reason.RATE_LIMITED)
    assert (result.status, result.reason, result.attempts) == (Status.DEGRADED, Reason.RATE_LIMITED, 0)
    assert result.detail == "skipped: asked to wait until 08:00:30 UTC (Retry-After)"
    assert skipped(ROUND, 0, 1_000, Reason.QUOTA).status is Status.DOWN


def test_after_a_429_neither_scheduled_nor_confirming_checks_nor_second_attempts_reach_the_target(
    on_loop: Any,
) -> None:
    requests: list[bytes] = []
    answer = b"HTTP/1.1 429 Slow Down\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"

    async def story() -> list[Result]:
        async with serving(answering(answer, seen=requests)) as port, running() as (runner, results):
            runner.submit(batch(check(port, round="rnd_1", look=1), lane=Lane.CONFIRM))
            await results.until_there_are(1)
            runner.submit(batch(check(port)))
            runner.submit(batch(check(port, round="rnd_1", look=2), lane=Lane.CONFIRM))
            runner.submit(batch(check(port, "mon_other")))
            await results.until_there_are(4)
            return list(results)

    first, *others = on_loop(story())
    assert (first.reason, first.attempts, first.facts["retry_after_s"]) == (Reason.RATE_LIMITED, 1, 60)
    assert sorted((each.monitor, each.look, each.reason, each.attempts) for each in others) == [
        ("mon_a", 0, Reason.SKIPPED, 0),
        ("mon_a", 2, Reason.RATE_LIMITED, 0),
        ("mon_other", 0, Reason.RATE_LIMITED, 1),
    ]
    assert len(requests) == 2


BILLED = Observation(Status.UP, Reason.OK, code=200, facts={"pause": "it costs money"})


def test_f6_a_monitor_that_is_to_be_paused_is_left_alone_until_it_is_changed() -> None:
    retry_after = RetryAfter(10)
    retry_after.note(ORDER, BILLED, 0)
    assert refuses_more(BILLED)
    for order in (ORDER, ROUND):
        assert retry_after.until_ms(order, 80_000_000) > 0
        told = skipped(order, 0, 1_000, retry_after.reason(order))
        assert (told.status, told.reason) == (Status.UNKNOWN, Reason.SKIPPED)
        assert "costs money" in told.detail
    assert retry_after.until_ms(msgspec.structs.replace(ORDER, revision=2), 0) == 0


def test_f6_a_billed_page_is_asked_once_by_a_worker_and_not_confirmed(on_loop: Any) -> None:
    requests: list[bytes] = []
    body = b'{"healthy_endpoints": [], "unhealthy_endpoints": [{}], "healthy_count": 0, "unhealthy_count": 1}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    async def story() -> list[Result]:
        async with serving(answering(answer, seen=requests)) as port, running() as (runner, results):
            runner.submit(batch(check(port, round="rnd_1", look=1), lane=Lane.CONFIRM))
            await results.until_there_are(1)
            runner.submit(batch(check(port, round="rnd_1", look=2), lane=Lane.CONFIRM))
            runner.submit(batch(check(port)))
            await results.until_there_are(3)
            return list(results)

    first, *others = on_loop(story())
    assert (first.status, first.attempts) == (Status.DOWN, 1)
    assert "billed completion" in str(first.facts["pause"])
    assert {(each.status, each.reason) for each in others} == {(Status.UNKNOWN, Reason.SKIPPED)}
    assert len(requests) == 1
