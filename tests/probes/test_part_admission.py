"""A reader of some monitors takes of an entry what concerns it, and the names of the others that passed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from probes import wire
from probes.admission import admit_results
from probes.part_admission import admit_part
from probes.reasons import Reason, Status
from probes.wire import Phases, Result

NOW = 1_700_000_000_000
PASS = Result(1, "mon_0", NOW, Status.UP, Reason.OK, NOW - 100, Phases(1, 2, 3, 4, 5), facts={"a": 1})


def owns(monitor: str) -> bool:
    return int(monitor.removeprefix("mon_")) % 2 == 0


def part(results: Sequence[Result]) -> tuple[list[Result], list[str]]:
    admitted = admit_part(wire.encode(results), NOW, owns, NOW - 2_000)
    return admitted.results, list(admitted.passed)


OTHER = replace(PASS, monitor="mon_1")


@pytest.mark.parametrize(
    ("result", "is_read"),
    [
        (PASS, True),
        (OTHER, False),
        (replace(OTHER, status=Status.DOWN, reason=Reason.REFUSED), True),
        (replace(OTHER, round="rnd_1", look=1), True),
        (replace(OTHER, started_ms=NOW - 2_001), True),
    ],
)
def test_what_is_read_of_other_monitors(result: Result, is_read: bool) -> None:
    assert part([result]) == (([result], []) if is_read else ([], [result.monitor]))


RESULTS = st.lists(
    st.builds(
        lambda number, fails, round, ago_ms: replace(
            PASS,
            monitor=f"mon_{number}",
            round=round,
            started_ms=NOW - ago_ms,
            status=Status.DOWN if fails else Status.UP,
        ),
        st.integers(0, 99),
        st.booleans(),
        st.sampled_from(["", "rnd_1"]),
        st.integers(0, 10_000),
    ),
    max_size=40,
)


@given(RESULTS)
def test_nothing_of_an_entry_is_lost(results: list[Result]) -> None:
    read, passed = part(results)
    plain = [one for one in results if one not in read]

    assert read == [one for one in results if one in read]
    assert [one.monitor for one in plain] == passed
    assert all(one.status is Status.UP and not one.round and not owns(one.monitor) for one in plain)


@pytest.mark.parametrize("payload", [b"", b"\xc1", msgspec.msgpack.encode([[1]]), msgspec.msgpack.encode("text")])
def test_what_cannot_be_read_is_refused_as_by_every_reader(payload: bytes) -> None:
    assert admit_part(payload, NOW, owns, NOW) == admit_results(payload, NOW)
