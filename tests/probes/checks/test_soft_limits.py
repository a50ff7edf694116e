"""An answer is overdue by what is usual from here, and by the order's own limit until that is known."""

from __future__ import annotations

import random
from math import exp
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from probes.checks.soft_limits import ENOUGH, SoftLimits
from probes.reasons import Reason, Status
from probes.wire import Check, Phases, Result
from tests.probes.checks.test_runner import batch, check, running
from tests.probes.loopback import OK, answering, serving, silent

ORDER = Check(1, "mon_a", "http", 0, 0, 10_000, msgspec.Raw(b""), soft_ms=2_500, revision=1)


def passed(total_ms: float, **fields: Any) -> Result:
    result = Result(1, "mon_a", 0, Status.UP, Reason.OK, 0, Phases(total_us=int(total_ms * 1000)), revision=1)
    return replace(result, **fields)


def used_to(total_ms: float, spread: float = 0.05, samples: int = 200) -> SoftLimits:
    soft_limits, dice = SoftLimits(10), random.Random(5)
    for _ in range(samples):
        soft_limits.note(passed(total_ms * exp(dice.gauss(0, spread))))
    return soft_limits


@pytest.mark.parametrize(
    ("usual_ms", "soft_ms"), [(20, 500), (80, 500), (400, 600), (1_000, 1_500), (3_000, 4_600), (9_000, 0)]
)
def test_an_answer_is_overdue_far_out_of_what_is_usual(usual_ms: float, soft_ms: int) -> None:
    assert used_to(usual_ms).soft_ms(ORDER) == pytest.approx(soft_ms, rel=0.15)


def test_a_target_that_varies_is_given_more_time() -> None:
    assert used_to(400, spread=0.3).soft_ms(ORDER) > 2 * used_to(400).soft_ms(ORDER)


def test_until_enough_is_known_the_order_says_when() -> None:
    assert used_to(80, samples=ENOUGH - 1).soft_ms(ORDER) == 2_500
    assert used_to(80).soft_ms(replace(ORDER, soft_ms=0)) == 0


def test_another_configuration_has_other_habits() -> None:
    assert used_to(80).soft_ms(replace(ORDER, revision=2)) == 2_500


@pytest.mark.parametrize(
    "lesson",
    [
        {"status": Status.DOWN, "reason": Reason.TIMEOUT},
        {"status": Status.DEGRADED, "reason": Reason.SLOW},
        {"round": "rnd_1", "look": 1},
        {"phases": Phases()},
    ],
)
def test_failures_and_looks_teach_nothing(lesson: dict[str, Any]) -> None:
    soft_limits = used_to(80)
    for _ in range(300):
        soft_limits.note(passed(9_000, **lesson))

    assert soft_limits.soft_ms(ORDER) == used_to(80).soft_ms(ORDER)


def test_no_more_monitors_are_remembered_than_allowed() -> None:
    soft_limits = SoftLimits(2)
    for monitor in ("mon_a", "mon_b", "mon_a", "mon_c"):
        for _ in range(ENOUGH):
            soft_limits.note(passed(80, monitor=monitor))

    soft_ms = [soft_limits.soft_ms(replace(ORDER, monitor=monitor)) for monitor in ("mon_a", "mon_b", "mon_c")]
    assert soft_ms == [500, 2_500, 500]


def test_a_target_that_begins_to_hang_is_reported_by_its_habit(on_loop: Any) -> None:
    async def story() -> Result:
        async with serving(answering(OK)) as well, running() as (runner, results):
            for number in range(ENOUGH + 1):
                runner.submit(batch(check(well, soft_ms=4_000, timeout_ms=20_000, ahead_ms=number)))
            await results.until_there_are(ENOUGH + 1)
            async with serving(silent) as hanging:
                runner.submit(batch(check(hanging, soft_ms=4_000, timeout_ms=20_000, ahead_ms=50)))
                await results.until(lambda seen: any(each.reason is Reason.OVERDUE for each in seen))
            return next(each for each in results if each.reason is Reason.OVERDUE)

    overdue = on_loop(story())
    assert overdue.status is Status.UNKNOWN
    assert "after 4000 ms" not in overdue.detail
