"""What a region writes passes one boundary, or is refused with its cause: poison.md P2, security review S1, S2, S26."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from consensus import verdicts
from probes import admission, wire
from probes.admission import Refusal, admit_latest, admit_results, admit_status, admit_trial
from probes.reasons import Reason, Status
from probes.text import storable
from probes.wire import Phases, RegionStatus, Result
from tests.probes.hostile_results import NOW_MS, entries
from vigil.heartbeats.core.pings import wire as pings

PASS = Result(1, "mon_a", NOW_MS, Status.UP, Reason.OK, NOW_MS, Phases(total_us=1_000))
FAIL = replace(PASS, status=Status.DOWN, reason=Reason.REFUSED, detail="refused", round="rnd_a", look=1)
DECODERS: dict[str, Callable[[bytes], object]] = {
    "check": wire.decode_check,
    "batch": wire.decode_batch,
    "result": wire.decode_result,
    "results": wire.decode_results,
    "status": wire.decode_status,
    "call": verdicts.decode_call,
    "round": verdicts.decode_round,
    "verdict": verdicts.decode_verdict,
    "belief": verdicts.decode_belief,
    "belief changes": verdicts.decode_belief_changes,
    "quarantine": verdicts.decode_quarantine,
    "pings": pings.decode,
}
POISON = {
    "text that is no UTF-8": b"\x9f\x01\xa4\xff\xfe\xff\xfe" + b"\xc0" * 13,
    "half a character": b"\x9f\x01\xa3\xed\xa0\xbd" + b"\xc0" * 13,
    "text that is no UTF-8, in a list": b"\x91\x9e\x01\xa4\xff\xfe\xff\xfe" + b"\xc0" * 12,
    "a name that is no UTF-8, in a map": b"\x81\xa4\xff\xfe\xff\xfe\xc0",
    "nesting without end": b"\x91" * 200_000 + b"\xc0",
    "a map in a map without end": b"\x81\xa1a" * 100_000 + b"\xc0",
    "more elements than there is memory": b"\xdd\xff\xff\xff\xff",
    "longer text than there is memory": b"\xdb\xff\xff\xff\xff",
    "nothing": b"",
    "no MessagePack": b"\xc1",
    "an instant out of range": b"\xc7\x0c\xff\x7f\xff\xff\xff" + b"\xff" * 8,
}


def fields(result: Result) -> list[Any]:
    return list(msgspec.structs.astuple(result))


def entry(*results: object) -> bytes:
    return msgspec.msgpack.encode(results)


@pytest.mark.parametrize("poison", POISON)
@pytest.mark.parametrize("message", DECODERS)
def test_p2_whatever_is_wrong_with_a_message_is_the_one_error_of_its_decoder(message: str, poison: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        DECODERS[message](POISON[poison])


def test_p2b_a_result_with_an_endless_field_beyond_the_known_ones_is_refused() -> None:
    payload = b"\x91\x9f" + wire.encode(PASS)[1:] + b"\x91" * 5_000 + b"\xc0"

    assert admit_results(payload, NOW_MS) == admission.Admitted([], {Refusal.UNREADABLE: 1})


def test_p2_what_is_too_large_is_refused_before_it_is_decoded() -> None:
    many = b"\xdc" + (1_001).to_bytes(2) + wire.encode(PASS) * 1_001

    assert admit_results(many, NOW_MS).refused == {Refusal.OUT_OF_BOUNDS: 1}
    assert admit_results(b"\xc0" * (wire.ENTRY_BYTES_MOST + 1), NOW_MS).refused == {Refusal.UNREADABLE: 1}
    assert len(admit_results(entry(*[PASS] * 1_000), NOW_MS).results) == 1_000


@pytest.mark.parametrize(
    "changes",
    [
        {"revision": 2**63},
        {"revision": 2**64 - 1},
        {"revision": -1},
        {"started_ms": 2**62},
        {"started_ms": -1},
        {"at_ms": 2**64 - 1},
        {"phases": [2**64 - 1]},
        {"phases": [0, 0, 0, 0, -1]},
        {"look": -1},
        {"attempts": 2**40},
        {"code": 2**63},
        {"monitor": "m" * 101},
        {"round": "r" * 101},
        {"reason": "of_a_newer_release"},
        {"status": None},
    ],
    ids=str,
)
def test_s1_a_number_beyond_its_bounds_costs_its_own_result_alone(changes: dict[str, Any]) -> None:
    bad = dict(zip(Result.__struct_fields__, fields(PASS), strict=True)) | changes

    admitted = admit_results(entry(fields(PASS), list(bad.values()), fields(FAIL)), NOW_MS)

    assert admitted.results == [PASS, FAIL]
    assert admitted.refused == {Refusal.OUT_OF_BOUNDS: 1}


@pytest.mark.parametrize("away_ms", [-33 * 86_400_000, 2 * 3_600_000, 365 * 86_400_000])
@pytest.mark.parametrize("field", ["started_ms", "at_ms"])
def test_s2b_a_time_that_is_far_from_now_is_refused(field: str, away_ms: int) -> None:
    admitted = admit_results(entry(PASS, replace(PASS, **{field: NOW_MS + away_ms})), NOW_MS)

    assert admitted.results == [PASS]
    assert admitted.refused == {Refusal.IMPLAUSIBLE_TIME: 1}


def test_s2_a_monitor_whose_name_no_log_could_show_is_nobodys() -> None:
    admitted = admit_results(entry(replace(FAIL, monitor="mon_\0"), FAIL), NOW_MS)

    assert (admitted.results, admitted.refused) == ([FAIL], {Refusal.OUT_OF_BOUNDS: 1})


@pytest.mark.parametrize(
    ("detail", "cleaned"),
    [("\0refused\0", "refused"), ("\x1b[31mno", "[31mno"), ("x" * 300, "x" * 240), ("a\n\u202eb", "ab")],
)
def test_s2a_a_vote_counts_whatever_its_words_are_and_they_are_cleaned(detail: str, cleaned: str) -> None:
    admitted = admit_results(entry(replace(FAIL, detail=detail)), NOW_MS)

    assert admitted.results == [replace(FAIL, detail=cleaned)]
    assert not admitted.refused


def test_p2b_a_vote_counts_where_its_words_are_no_text_at_all() -> None:
    payload = entry(replace(FAIL, detail="ZZZZ")).replace(b"ZZZZ", b"\xff\xfe\xff\xfe")

    assert admit_results(payload, NOW_MS).results == [replace(FAIL, detail="")]


def test_s26_facts_that_json_has_no_words_for_are_left_out_and_the_vote_counts() -> None:
    facts: dict[str, Any] = {
        "a": float("nan"),
        "b": float("inf"),
        "c": 2**64 - 1,
        "d": None,
        "e": [1],
        "address": "192.0.2.1",
    }
    facts |= {"f": "x" * 2_000, "g": 1.5, "h\0": "\0", "i": True}
    bad = fields(FAIL)
    bad[12] = facts

    (result,) = admit_results(entry(bad), NOW_MS).results

    assert result.facts == {"address": "192.0.2.1", "f": "x" * 1_000, "g": 1.5, "h": "", "i": True}
    assert admit_latest(msgspec.msgpack.encode(bad)) == result


def test_s26_a_result_has_so_many_facts_at_most() -> None:
    (result,) = admit_results(entry(replace(FAIL, facts={str(n): n for n in range(100)})), NOW_MS).results

    assert len(result.facts) == wire.FACTS_MOST


def test_a_sign_of_life_from_the_future_is_of_now() -> None:
    status = RegionStatus(1, NOW_MS + 10**9, 0, 0, 0, 0, "boot", "1")

    assert admit_status(wire.encode(status), NOW_MS).at_ms == NOW_MS
    assert admit_status(wire.encode(replace(status, at_ms=5)), NOW_MS).at_ms == 5


def test_text_of_any_script_is_storable_and_what_is_no_character_is_not() -> None:
    assert storable("Zürich, 東京 👍🏽", 100) == "Zürich, 東京 👍🏽"
    assert storable("a\0b\ud83dc\x85d\ue000e\nf", 100) == "abcdef"
    assert storable("a\n\tb", 100, breaks=True) == "a\n\tb"
    assert storable("x" * 10, 3) == "xxx"


@given(entries())
@settings(max_examples=500, deadline=None)
def test_whatever_a_region_writes_what_is_admitted_is_within_all_bounds(payload: bytes) -> None:
    admitted = admit_results(payload, NOW_MS)

    assert all(count > 0 for count in admitted.refused.values())
    for result in admitted.results:
        assert abs(result.started_ms - NOW_MS) <= admission.PAST_MS
        assert 0 <= result.revision <= 2**53
        assert 0 <= result.phases.total_us <= 3_600_000_000
        if result.status is not Status.UP or result.round:
            shown = [result.detail, result.monitor, *result.facts, *(str(fact) for fact in result.facts.values())]
            assert not any(c in text for text in shown for c in "\0\x1b\n")
            assert all(math.isfinite(fact) for fact in result.facts.values() if isinstance(fact, float))
        wire.decode_result(wire.encode(result))


def test_a_trial_is_no_result_of_a_monitor_and_counts_nowhere() -> None:
    trial = replace(FAIL, monitor="trl_a", round="trl_a")
    long_ago = replace(trial, started_ms=0, at_ms=0)
    payload = entry(*map(fields, (FAIL, trial, long_ago, PASS)))
    assert admit_results(payload, NOW_MS) == admission.Admitted([FAIL, PASS], {})
    assert admit_trial(payload, "trl_a", NOW_MS) == trial
    assert admit_trial(payload, "trl_b", NOW_MS) is None
    assert admit_trial(entry(fields(replace(trial, monitor="mon_a"))), "trl_a", NOW_MS) is None
