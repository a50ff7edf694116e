"""Admission of what a region writes: which results and signs of life are taken. Pure.

A region may write anything to its own keys: its host may have a new owner. What passes holds no number, time,
size or text that a column, a calendar or a page could not hold; the rest is counted by its cause and dropped. A result
of which only the text is unfit counts, and its text is cleaned: a region cannot hide a vote by its words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from msgspec.structs import astuple, replace

from probes.message_decoder import Count, Instant, MessageDecoder, Name, Number, Revision
from probes.reasons import Reason, Status
from probes.reasons import Refusal as Refusal
from probes.text import storable
from probes.wire import (
    DETAIL_LIMIT,
    ENTRY_BYTES_MOST,
    ENTRY_RESULTS_MOST,
    FACT_NAME_LIMIT,
    FACTS_MOST,
    RESULT_BYTES_MOST,
    BoundedFact,
    Fact,
    Phases,
    RegionStatus,
    Result,
    decode_result,
    decode_results,
    decode_status,
    is_trial,
)

#: A region that was cut off brings what it saw meanwhile; clocks differ, and a slot may be ahead. What is further from
#: now than this was not seen when it says.
PAST_MS, AHEAD_MS = 32 * 86_400_000, 3_600_000
FACT_LIMIT = 1_000
#: Where the two texts of a result are among its fields.
_DETAIL, _FACTS = Result.__struct_fields__.index("detail"), Result.__struct_fields__.index("facts")


@dataclass(frozen=True, slots=True)
class Admitted:
    """The results of one entry that are taken, and how many are not, by cause."""

    results: list[Result]
    refused: Mapping[Refusal, int]
    #: Monitors of other readers that plainly passed (`probes.part_admission`).
    passed: Sequence[str] = ()


_NOTHING: Mapping[Refusal, int] = {}


def admit_results(payload: bytes, now_ms: int) -> Admitted:
    """Admit the results of one entry of a region's stream; those of trials are left out, and counted nowhere.

    Runs for every result there is: of a plain pass, whose texts nothing reads, only the times are left to be looked at
    once it is decoded.
    """
    try:
        results, refused = decode_results(payload), _NOTHING
    except msgspec.DecodeError:
        results, refused = readable_results(payload)
    low, high = now_ms - PAST_MS, now_ms + AHEAD_MS
    up = Status.UP
    suspects = [
        place
        for place, one in enumerate(results)
        if one.status is not up or one.round or not low <= one.started_ms <= high or not low <= one.at_ms <= high
    ]
    if not suspects:
        return Admitted(results, refused)
    counted = Counter(refused)
    for place in reversed(suspects):
        one = results[place]
        if is_trial(one.round):
            del results[place]
        elif not (low <= one.started_ms <= high and low <= one.at_ms <= high):
            counted[Refusal.IMPLAUSIBLE_TIME] += 1
            del results[place]
        elif not (one.monitor.isprintable() and one.round.isprintable()):
            counted[Refusal.OUT_OF_BOUNDS] += 1
            del results[place]
        else:
            results[place] = with_storable_text(one)
    return Admitted(results, counted)


def admit_trial(payload: bytes, trial: str, now_ms: int) -> Result | None:
    """Admit the last result of this trial in one entry of a region's stream; None where there is none."""
    # Without decoding the entries of everything else.
    if trial.encode() not in payload:
        return None
    try:
        results = decode_results(payload)
    except msgspec.DecodeError:
        results, _ = readable_results(payload)
    low, high = now_ms - PAST_MS, now_ms + AHEAD_MS
    own = [one for one in results if one.round == trial == one.monitor and low <= one.started_ms <= high]
    return with_storable_text(own[-1]) if own else None


def admit_latest(payload: bytes) -> Result | None:
    """Admit one result that is to be shown; None where it cannot be."""
    try:
        return with_storable_text(decode_result(payload))
    except msgspec.DecodeError:
        return repaired_result(payload) if len(payload) <= RESULT_BYTES_MOST else None


def admit_status(payload: bytes, now_ms: int) -> RegionStatus:
    """Admit a region's sign of life; raises `msgspec.DecodeError`. One from the future is no younger than one of now,
    or a region that is gone would be taken for alive until then."""
    status = decode_status(payload)
    if status.at_ms > now_ms:
        status = replace(status, at_ms=now_ms)
    return status


def readable_results(payload: bytes) -> tuple[list[Result], Mapping[Refusal, int]]:
    """The results of an entry that cannot be read as a whole, one by one, and how many cannot."""
    try:
        parts = _parts(payload)
    except msgspec.DecodeError:
        return [], {Refusal.UNREADABLE: 1}
    if len(parts) > ENTRY_RESULTS_MOST:
        return [], {Refusal.OUT_OF_BOUNDS: 1}
    found = []
    refused: Counter[Refusal] = Counter()
    for part in parts:
        encoded = bytes(part)
        try:
            found.append(decode_result(encoded))
        except msgspec.DecodeError:
            result = repaired_result(encoded)
            if result is None:
                refused[Refusal.OUT_OF_BOUNDS] += 1
            else:
                found.append(result)
    return found, refused


def repaired_result(encoded: bytes) -> Result | None:
    """A result without what is wrong with its texts; None where anything else is wrong with it."""
    try:
        fields = list(astuple(_without_texts(encoded)))
    except msgspec.DecodeError:
        return None
    fields[_DETAIL] = _text(fields[_DETAIL], DETAIL_LIMIT)
    fields[_FACTS] = _facts(fields[_FACTS])
    return Result(*fields)


def with_storable_text(result: Result) -> Result:
    """A result with texts that PostgreSQL takes and a page can show."""
    detail = storable(result.detail, DETAIL_LIMIT)
    facts = dict(_storable_facts(result.facts))
    if detail == result.detail and facts == result.facts:
        return result
    return replace(result, detail=detail, facts=facts)


class _WithoutTexts(msgspec.Struct, frozen=True, array_like=True):
    """A result whose texts are not decoded yet."""

    v: Count
    monitor: Name
    at_ms: Instant
    status: Status
    reason: Reason
    started_ms: Instant
    phases: Phases
    round: Name = ""
    look: Count = 0
    attempts: Count = 1
    code: Number = 0
    detail: msgspec.Raw = msgspec.Raw(b"\xa0")
    facts: msgspec.Raw = msgspec.Raw(b"\x80")
    revision: Revision = 0


if _WithoutTexts.__struct_fields__ != Result.__struct_fields__:
    raise TypeError("_WithoutTexts has other fields than Result")

_parts: MessageDecoder[list[msgspec.Raw]] = MessageDecoder(list[msgspec.Raw], ENTRY_BYTES_MOST)
_without_texts: MessageDecoder[_WithoutTexts] = MessageDecoder(_WithoutTexts, ENTRY_BYTES_MOST)
_any_text: MessageDecoder[str] = MessageDecoder(str, ENTRY_BYTES_MOST)
_raw_facts: MessageDecoder[dict[str, msgspec.Raw]] = MessageDecoder(dict[str, msgspec.Raw], ENTRY_BYTES_MOST)
_any_fact: MessageDecoder[Fact] = MessageDecoder(Fact, ENTRY_BYTES_MOST)
_bounded_fact: MessageDecoder[Fact] = MessageDecoder(BoundedFact, ENTRY_BYTES_MOST)


def _text(raw: msgspec.Raw, limit: int) -> str:
    try:
        return storable(_any_text(bytes(raw)), limit)
    except msgspec.DecodeError:
        return ""


def _facts(raw: msgspec.Raw) -> dict[str, Fact]:
    try:
        parts = _raw_facts(bytes(raw))
    except msgspec.DecodeError:
        return {}
    found: dict[str, Fact] = {}
    for name, part in parts.items():
        try:
            fact = _any_fact(bytes(part))
            found[name] = fact if isinstance(fact, str) else _bounded_fact(bytes(part))
        except msgspec.DecodeError:
            continue
    return dict(_storable_facts(found))


def _storable_facts(facts: Mapping[str, Fact]) -> Iterator[tuple[str, Fact]]:
    for name, fact in list(facts.items())[:FACTS_MOST]:
        yield storable(name, FACT_NAME_LIMIT), storable(fact, FACT_LIMIT) if isinstance(fact, str) else fact
