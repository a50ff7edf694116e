"""Packing: whatever is put in comes out, each check once, in about two bytes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.reasons import REASON_CODES, STATUS_CODES, Reason, Status
from probes.wire import Phases, Result
from vigil.history.core import packing, rollups, varints
from vigil.history.core.chunks import ChunkContent, decode, decode_failures, entries_of, sampled
from vigil.history.core.packing import HOUR_MS, UnreadableHour

HOUR = 480_000
#: What is on disks out there.
LAYOUT = "39030001e0d40303a09c01010200048502010200040201da020100240038004600cd01d5020101010100"
durations = st.one_of(st.just(0), st.integers(1, 10), st.integers(0, 70_000_000))


def result(
    offset_ms: int = 0,
    status: Status = Status.UP,
    reason: Reason = Reason.OK,
    total_us: int = 50_000,
    first_us: int = 40_000,
    look: int = 0,
) -> Result:
    at_ms = HOUR * HOUR_MS + offset_ms
    phases = Phases(first_byte_us=first_us, total_us=total_us)
    return Result(1, "mon_x", at_ms, status, reason, at_ms, phases, "rnd" if look else "", look)


results = st.builds(
    result,
    st.integers(0, HOUR_MS - 1),
    st.sampled_from(list(Status)),
    st.sampled_from(list(Reason)),
    durations,
    durations,
    st.integers(0, 3),
)


@given(st.lists(results, min_size=1, max_size=80))
def test_what_is_packed_comes_out_as_it_was(found: list[Result]) -> None:
    entries = packing.in_order(map(packing.entry, found))
    assert packing.unpack(packing.pack(entries)).entries() == entries


@given(st.lists(results, min_size=1, max_size=40), st.randoms())
def test_the_same_checks_pack_the_same_in_any_order_and_however_often(found: list[Result], rnd: random.Random) -> None:
    entries = list(map(packing.entry, found))
    again = entries * 2
    rnd.shuffle(again)
    once = packing.pack(packing.in_order(entries))
    assert packing.pack(packing.in_order(again)) == once
    assert packing.pack(packing.in_order([*packing.unpack(once).entries(), *entries])) == once


@given(results)
def test_an_entry_says_when_what_and_which_look(one: Result) -> None:
    hour = packing.unpack(packing.pack([packing.entry(one)]))
    assert hour.offsets_ms[0] == one.at_ms % HOUR_MS
    assert packing.meaning(hour.codes[0]) == (one.status, one.reason)
    assert hour.looks[0] == one.look


def test_an_hour_of_a_steady_monitor_takes_less_than_three_bytes_a_check() -> None:
    rnd = random.Random(7)
    found = []
    for minute in range(60):
        total_us = round(80_000 * rnd.lognormvariate(0, 0.25))
        found.append(result(17_123 + minute * 60_000, total_us=total_us, first_us=total_us - 900))
    packed = packing.pack(packing.in_order(map(packing.entry, found)))
    assert len(packed) <= 60 * 3


@pytest.mark.parametrize("payload", [b"", b"\xe0", packing.pack([packing.entry(result())])[:-3]])
def test_what_is_no_packed_hour_is_refused(payload: bytes) -> None:
    with pytest.raises(UnreadableHour):
        packing.unpack(payload)


def test_every_status_and_reason_has_a_number_that_never_changes() -> None:
    assert STATUS_CODES == {Status.UP: 0, Status.DEGRADED: 1, Status.DOWN: 2, Status.UNKNOWN: 3}
    stored = [Reason.OK, Reason.DNS_ERROR, Reason.REFUSED, Reason.RESET, Reason.UNREACHABLE, Reason.TIMEOUT]
    assert [REASON_CODES[reason] for reason in stored] == [0, 1, 2, 3, 4, 5]
    assert REASON_CODES[Reason.PROBE_ERROR] == 33 and REASON_CODES[Reason.SKIPPED] == 34
    assert len(set(REASON_CODES.values())) == len(Reason) <= 128


def test_the_layout_of_a_packed_hour_never_changes() -> None:
    found = [result(minute * 60_000, total_us=1000 * (minute + 1), first_us=900) for minute in range(4)]
    found.append(result(200_000, Status.DOWN, Reason.TIMEOUT, 10_000_000, 0, look=2))
    assert packing.pack(packing.in_order(map(packing.entry, found))).hex() == LAYOUT


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1) | st.sampled_from([0, 1, 256, 65_536]), results), max_size=30))
def test_a_chunk_gives_back_every_entry_with_its_monitor(found: list[tuple[int, Result]]) -> None:
    chunk = ChunkContent()
    for monitor, one in found:
        chunk.add(monitor, packing.entry(one), one)
    assert list(decode(chunk.encoded())) == [(monitor, packing.entry(one)) for monitor, one in found]
    for monitor, _ in found:
        assert entries_of(chunk.encoded(), monitor) == [packing.entry(one) for key, one in found if key == monitor]


def test_failures_are_kept_in_full_and_passes_and_misses_are_not() -> None:
    chunk = ChunkContent()
    refused = result(5, Status.DOWN, Reason.REFUSED)
    for one in (result(), refused, result(9, Status.UNKNOWN, Reason.MISSED)):
        chunk.add(7, packing.entry(one), one)
    kept = chunk.encoded_failures()
    assert kept is not None and list(decode_failures(kept)) == [(7, refused)]


def test_a_huge_result_loses_its_facts_and_nothing_else() -> None:
    chunk = ChunkContent()
    one = Result(1, "mon_x", 1, Status.DOWN, Reason.RESET, 1, Phases(), facts={"junk": "x" * 10_000}, detail="reset")
    chunk.add(7, packing.entry(one), one)
    kept = chunk.encoded_failures()
    assert kept is not None
    assert decode_failures(kept)[0][1].facts == {} and decode_failures(kept)[0][1].detail == "reset"


@given(st.lists(st.integers(0, HOUR_MS - 1), unique=True, min_size=1, max_size=80), st.data())
def test_sampling_failures_again_with_late_ones_gives_what_sampling_all_at_once_gives(
    offsets: list[int], data: st.DataObject
) -> None:
    failures = [result(offset, Status.DOWN, Reason.REFUSED) for offset in offsets]
    early = data.draw(st.lists(st.sampled_from(failures), unique_by=lambda one: one.at_ms))
    whole = sampled(failures)
    assert len(whole) <= 16
    assert sampled([*sampled(early), *failures]) == whole


@given(st.lists(st.integers(0, 2**40), max_size=50))
def test_runs_give_back_every_number(values: list[int]) -> None:
    into = bytearray(b"x")
    varints.put_runs(into, values)
    assert varints.take_runs(bytes(into), 1) == (values, len(into))


@given(st.lists(results, max_size=60), st.lists(results, max_size=60))
def test_the_rollup_of_two_parts_is_the_sum_of_their_rollups(left: list[Result], right: list[Result]) -> None:
    def rolled(found: list[Result]) -> rollups.Rollup:
        entries = [packing.entry(one) for one in found]
        return rollups.of_checks([one >> 22 & 511 for one in entries], [one >> 11 & 2047 for one in entries])

    together = rollups.merged([rolled(left), rolled(right)])
    assert together == rolled([*left, *right])
    assert together.checks == len(left) + len(right)
    hours = rollups.unpack_hours(rollups.pack_hours({0: rolled(left), 23: rolled(right)}))
    assert hours == {0: rolled(left), 23: rolled(right)}
    for region, wanted in {3: rolled(left), 200: rolled(right)}.items():
        only = rollups.Rollup()
        rollups.add_regions(rollups.pack_regions({3: rolled(left), 200: rolled(right)}), only, frozenset({region}))
        assert only == wanted


@given(st.dictionaries(st.integers(1, 300), st.lists(results, max_size=20), max_size=4), st.sets(st.integers(1, 300)))
def test_any_set_of_regions_of_a_day_is_the_sum_of_those_that_are_there(
    by_region: dict[int, list[Result]], other: set[int]
) -> None:
    rolled = {
        region: rollups.of_checks(
            [packing.entry(one) >> 22 & 511 for one in found], [packing.entry(one) >> 11 & 2047 for one in found]
        )
        for region, found in by_region.items()
    }
    packed = rollups.pack_regions(rolled)
    for wanted in (None, frozenset(rolled), frozenset(list(rolled)[:1]) | frozenset(other)):
        total = rollups.Rollup()
        rollups.add_regions(packed, total, wanted)
        chosen = [one for region, one in rolled.items() if wanted is None or region in wanted]
        assert total == rollups.merged(chosen)
