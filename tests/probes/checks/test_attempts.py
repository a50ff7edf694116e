"""Two attempts make one vote: a pass ends it, a failure takes two."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from probes.checks.attempts import attempt, merged, settles, two_attempts
from probes.net.trace import Trace
from probes.prober import Observation, ProbeContext, Prober
from probes.reasons import Reason, Status
from tests.probes.loopback import way_out

UP = Observation(Status.UP, Reason.OK)
SLOW = Observation(Status.DEGRADED, Reason.SLOW)
REFUSED = Observation(Status.DOWN, Reason.REFUSED)
RESET = Observation(Status.DOWN, Reason.RESET)
BLOCKED = Observation(Status.UNKNOWN, Reason.BLOCKED)
BROKEN = Observation(Status.UNKNOWN, Reason.PROBE_ERROR)


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (REFUSED, UP, UP),
        (UP, REFUSED, UP),
        (REFUSED, SLOW, SLOW),
        (SLOW, REFUSED, SLOW),
        (REFUSED, RESET, RESET),
        (BROKEN, REFUSED, REFUSED),
        (REFUSED, BROKEN, REFUSED),
        (BROKEN, BROKEN, BROKEN),
    ],
)
def test_of_two_attempts_the_better_counts_and_of_equals_the_later(
    first: Observation, second: Observation, together: Observation
) -> None:
    assert merged(first, second) is together


def test_only_a_pass_or_a_refusal_of_the_guard_makes_a_second_attempt_pointless() -> None:
    assert [settles(each) for each in (UP, BLOCKED, SLOW, REFUSED, BROKEN)] == [True, True, False, False, False]


class NoSpec(msgspec.Struct, frozen=True):
    pass


def scripted(*script: tuple[float, Observation]) -> tuple[Prober, list[float]]:
    """A prober that takes so long and sees that, once a call; and when it was called."""
    called: list[float] = []

    async def probe(spec: NoSpec, secrets: Mapping[str, str], context: ProbeContext) -> Observation:
        called.append(asyncio.get_running_loop().time())
        takes_s, sees = script[len(called) - 1]
        await asyncio.sleep(takes_s)
        return sees

    return Prober(NoSpec, lambda spec: None, lambda secrets: None, probe), called


def vote(on_loop: Any, *script: tuple[float, Observation], timeout_s: float = 2.0) -> tuple[Any, float, list[float]]:
    prober, called = scripted(*script)

    async def story() -> tuple[Any, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with way_out() as dialer:
            outcome = await two_attempts(
                lambda: attempt(prober, NoSpec(), {}, ProbeContext(dialer, Trace(), 0.0), timeout_s)
            )
        return outcome, loop.time() - began

    outcome, took_s = on_loop(story())
    return outcome, took_s, called


def test_a_pass_at_once_is_one_attempt(on_loop: Any) -> None:
    outcome, took_s, _ = vote(on_loop, (0, UP))
    assert outcome == (UP, 1)
    assert took_s < 0.5


def test_the_second_attempt_starts_one_second_after_the_first_began(on_loop: Any) -> None:
    outcome, took_s, called = vote(on_loop, (0.2, REFUSED), (0, REFUSED))
    assert outcome == (REFUSED, 2)
    assert 0.95 < called[1] - called[0] < 1.3
    assert took_s < 1.5


def test_a_hanging_first_attempt_does_not_hold_up_the_second(on_loop: Any) -> None:
    outcome, took_s, called = vote(on_loop, (60, UP), (0, UP))
    assert outcome == (UP, 2)
    assert 0.95 < called[1] - called[0] < 1.3
    assert took_s < 1.5


def test_when_both_hang_the_vote_takes_one_timeout_and_a_second(on_loop: Any) -> None:
    (seen, attempts), took_s, _ = vote(on_loop, (60, UP), (60, UP), timeout_s=1.5)
    assert (seen.reason, attempts) == (Reason.TIMEOUT, 2)
    assert 2.4 < took_s < 3.2


def test_a_late_pass_of_the_first_attempt_still_counts(on_loop: Any) -> None:
    outcome, _, _ = vote(on_loop, (1.4, UP), (0.1, REFUSED))
    assert outcome == (UP, 2)
