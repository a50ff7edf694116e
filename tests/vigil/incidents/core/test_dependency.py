"""When a parent's trouble explains a child's: a table of times, and how long that lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vigil.incidents.core.dependency import ParentTrouble, holds_back, waits_until
from vigil.incidents.core.model import IncidentKind

AT = datetime(2030, 1, 1, 3, tzinfo=UTC)
OUTAGE, DEGRADED, ACCOUNT, REGIONAL, HEARTBEAT = (
    IncidentKind(kind) for kind in ("outage", "degraded", "account", "regional", "heartbeat")
)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def trouble(
    started_s: float, kind: IncidentKind = OUTAGE, every_s: int = 60, ended_s: float | None = None
) -> ParentTrouble:
    return ParentTrouble(
        kind, after(started_s), timedelta(seconds=every_s), None if ended_s is None else after(ended_s)
    )


@pytest.mark.parametrize(
    ("child", "parent", "held"),
    [
        (trouble(10), trouble(0), True),
        (trouble(0), trouble(0), True),
        # The child is looked at sooner than its parent: the same cause, within the grace.
        (trouble(0), trouble(59), True),
        (trouble(0), trouble(61), False),
        # A parent that is looked at every five minutes may be seen that much later.
        (trouble(0), trouble(299, every_s=300), True),
        (trouble(0), trouble(301, every_s=300), False),
        (trouble(0), trouble(3000, every_s=86_400), False),
        # A parent that is merely slow does not explain a child that is down.
        (trouble(10), trouble(0, DEGRADED), False),
        (trouble(10, DEGRADED), trouble(0, DEGRADED), True),
        (trouble(10, DEGRADED), trouble(0), True),
        (trouble(10, ACCOUNT), trouble(0, DEGRADED), False),
        (trouble(10, REGIONAL), trouble(0, DEGRADED), True),
        (trouble(10, HEARTBEAT), trouble(0), True),
        (trouble(10), trouble(0, HEARTBEAT), True),
        (trouble(10, IncidentKind.BLIND), trouble(0), False),
    ],
)
def test_a_parent_explains_what_began_with_it_and_is_no_worse(
    child: ParentTrouble, parent: ParentTrouble, held: bool
) -> None:
    assert holds_back(child, parent, after(600)) == (held, None)


def test_a_child_has_time_to_follow_a_parent_that_has_recovered() -> None:
    child, parent = trouble(10), trouble(0, ended_s=100)
    until = after(100 + 60 + 60)
    assert holds_back(child, parent, after(219)) == (True, until)
    assert holds_back(child, parent, after(220)) == (False, until)


def test_what_begins_after_the_parent_has_recovered_is_its_own() -> None:
    assert holds_back(trouble(101), trouble(0, ended_s=100), after(110))[0] is False


@pytest.mark.parametrize(
    ("every_s", "regions", "waits_s"), [(60, 5, 15), (60, 3, 23), (5, 3, 5), (300, 3, 30), (60, 0, 30), (60, 1, 30)]
)
def test_a_child_waits_one_turn_of_its_parents_regions(every_s: int, regions: int, waits_s: float) -> None:
    assert waits_until(trouble(0), after(1), timedelta(seconds=every_s), regions) == after(1 + waits_s)


def test_what_no_parent_can_explain_does_not_wait() -> None:
    assert waits_until(trouble(0, IncidentKind.BLIND), after(1), timedelta(seconds=60), 3) is None
