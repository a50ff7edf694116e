"""Minutes lost: whose fault each reason is, and that every second is counted once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.reasons import Reason
from vigil.history.core.minutes_lost import (
    LossClass,
    LossSeverity,
    LostPiece,
    LostShare,
    LostSpan,
    SeenReason,
    attributed,
    class_of,
    lost_time,
    whole_percents,
)

OURS, THEIRS, NET, UNKNOWN = LossClass
DOWN, DEGRADED = LossSeverity.DOWN, LossSeverity.DEGRADED
OVERLOAD, TIMEOUT = (THEIRS, Reason.OVERLOADED), (THEIRS, Reason.TIMEOUT)
DAY = [(0, 86_400)]


@pytest.mark.parametrize(
    ("reasons", "loss"),
    [
        ({Reason.AUTH, Reason.QUOTA, Reason.CONFIG, Reason.RATE_LIMITED}, OURS),
        ({Reason.OVERLOADED, Reason.HTTP_5XX, Reason.LOADING, Reason.MODEL_MISSING, Reason.BUSY}, THEIRS),
        ({Reason.CERTIFICATE_EXPIRED, Reason.BODY_MISMATCH, Reason.TIMEOUT}, THEIRS),
        ({Reason.DNS_ERROR, Reason.REFUSED, Reason.TLS_ERROR}, THEIRS),
        ({Reason.BLOCKED, Reason.GEO_BLOCKED, Reason.INTERFERED, Reason.BOT_FILTER}, NET),
        ({Reason.OK, Reason.MISSED, Reason.PROBE_ERROR}, UNKNOWN),
    ],
)
def test_each_reason_is_somebodys_fault(reasons: set[Reason], loss: LossClass) -> None:
    assert {class_of(reason) for reason in reasons} == {loss}


@pytest.mark.parametrize(
    ("reason", "seen_by", "looked", "loss"),
    [
        (Reason.TIMEOUT, 3, 5, THEIRS), (Reason.TIMEOUT, 2, 5, NET), (Reason.TIMEOUT, 1, 2, THEIRS),
        (Reason.DNS_ERROR, 1, 5, NET), (Reason.TLS_ERROR, 1, 3, NET), (Reason.REFUSED, 5, 5, THEIRS),
        # One region alone cannot tell its own network from the provider.
        (Reason.TIMEOUT, 1, 1, UNKNOWN), (Reason.OVERLOADED, 1, 1, THEIRS),
        (Reason.OVERLOADED, 1, 5, THEIRS), (Reason.AUTH, 1, 5, OURS),
    ],
)  # fmt: skip
def test_whose_fault_the_way_is_depends_on_how_many_see_it(
    reason: Reason, seen_by: int, looked: int, loss: LossClass
) -> None:
    assert class_of(reason, seen_by, looked) is loss


@pytest.mark.parametrize(
    ("seen", "pieces"),
    [
        # Nothing was stored: what the incident says.
        ([], [(0, 600, OVERLOAD)]),
        ([(0, 1, Reason.OVERLOADED)], [(0, 600, OVERLOAD)]),
        # It changes from overload to timeouts once most regions say so.
        (
            [(0, 1, Reason.OVERLOADED), (10, 2, Reason.OVERLOADED), (60, 1, Reason.TIMEOUT), (70, 2, Reason.TIMEOUT)],
            [(0, 70, OVERLOAD), (70, 600, TIMEOUT)],
        ),
        # Not yet proven to be over: the cause stands.
        ([(0, 1, Reason.OVERLOADED), (300, 1, Reason.OK)], [(0, 600, OVERLOAD)]),
        # One of three regions cannot get through.
        (
            [(0, 1, Reason.OK), (0, 2, Reason.OK), (0, 3, Reason.TIMEOUT)],
            [(0, 600, (NET, Reason.TIMEOUT))],
        ),
        # Regions that cannot see explain nothing, and do not count among those who looked.
        (
            [
                (0, 1, Reason.TIMEOUT),
                (0, 2, Reason.GEO_BLOCKED),
                (0, 3, Reason.INTERFERED),
                (0, 4, Reason.GEO_BLOCKED),
                (9, 5, Reason.TIMEOUT),
            ],
            [(0, 600, TIMEOUT)],
        ),
        # Refused everywhere, and then region by region well again: still theirs.
        (
            [(0, 1, Reason.REFUSED), (5, 2, Reason.REFUSED), (60, 1, Reason.OK), (65, 2, Reason.OK)],
            [(0, 600, (THEIRS, Reason.REFUSED))],
        ),
        # What is outside the span says nothing of it.
        ([(-5, 1, Reason.AUTH), (600, 1, Reason.AUTH)], [(0, 600, OVERLOAD)]),
        ([(0, 1, Reason.MISSED)], [(0, 600, OVERLOAD)]),
    ],
)
def test_a_span_is_cut_by_what_most_failing_regions_say(
    seen: list[tuple[int, int, Reason]], pieces: list[tuple[int, int, tuple[LossClass, Reason]]]
) -> None:
    span = LostSpan(0, 600, DOWN, Reason.OVERLOADED)
    found = attributed(span, [SeenReason(*one) for one in seen])
    assert [(piece.start_s, piece.end_s, piece.cause) for piece in found] == pieces


def test_of_the_minutes_lost_71_percent_were_overload() -> None:
    auth = (OURS, Reason.AUTH)
    found = lost_time(
        [
            LostPiece(0, 710, DOWN, OVERLOAD),
            LostPiece(1_000, 1_200, DEGRADED, TIMEOUT),
            LostPiece(2_000, 2_090, DOWN, auth),
        ],
        DAY,
    )
    assert found.shares == (
        LostShare(THEIRS, Reason.OVERLOADED, 710, 71),
        LostShare(THEIRS, Reason.TIMEOUT, 200, 20),
        LostShare(OURS, Reason.AUTH, 90, 9),
    )
    assert found.percents() == {OURS: 9, THEIRS: 91, NET: 0, UNKNOWN: 0}
    assert found.availability(OURS) == 1 - 90 / 86_400
    assert found.by_severity == {DOWN: 800, DEGRADED: 200}


def test_overlapping_incidents_are_counted_once_and_the_worse_one_counts() -> None:
    slow = LostPiece(0, 1_000, DEGRADED, TIMEOUT)
    down = [LostPiece(500, 800, DOWN, OVERLOAD), LostPiece(600, 900, DOWN, OVERLOAD)]
    found = lost_time([slow, *down, down[0]], [(0, 850), (950, 2_000)])
    assert {(share.reason, share.seconds) for share in found.shares} == {
        (Reason.TIMEOUT, 550),
        (Reason.OVERLOADED, 350),
    }


def test_without_counted_time_nothing_is_said() -> None:
    nothing = lost_time([LostPiece(0, 10, DOWN, OVERLOAD)], [])
    assert (nothing.lost_s, nothing.shares, nothing.availability(THEIRS)) == (0, (), None)
    assert set(lost_time([], DAY).percents().values()) == {0}


@given(st.lists(st.integers(0, 10**9), max_size=12))
def test_percents_sum_to_a_hundred_and_none_is_off_by_one(counts: list[int]) -> None:
    found = whole_percents(counts)
    assert sum(found) == (100 if sum(counts) else 0)
    assert all(abs(share - 100 * count / sum(counts)) < 1 for share, count in zip(found, counts, strict=True) if count)


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(1, 200), st.sampled_from(list(LossSeverity)),
                  st.sampled_from([OVERLOAD, TIMEOUT, (OURS, Reason.AUTH)])),
        max_size=12,
    )
)  # fmt: skip
def test_lost_seconds_are_those_of_the_union(
    drawn: list[tuple[int, int, LossSeverity, tuple[LossClass, Reason]]],
) -> None:
    pieces = [LostPiece(start, start + length, severity, cause) for start, length, severity, cause in drawn]
    covered = {second for piece in pieces for second in range(piece.start_s, piece.end_s)}
    assert lost_time(pieces, [(0, 1_000)]).lost_s == len(covered)
