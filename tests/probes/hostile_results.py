"""What a stolen region may write: every field of a result at its extremes, and mutated bytes."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st

from probes.reasons import Reason, Status

NOW_MS = 1_800_000_000_000
NUMBERS = (0, 1, -1, 2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1, -(2**31), -(2**63))
TIMES = (*NUMBERS, NOW_MS, NOW_MS - 1, NOW_MS + 10**9, 32_503_680_000_000, 253_402_300_800_000)
FLOATS = (0.0, -0.0, 1.5, float("nan"), float("inf"), -float("inf"), 1e308, 5e-324)
TEXTS = (
    "",
    "a",
    "\0",
    "\x1b[31m",
    "a\nb",
    "\u202e",
    "\ufeff",
    "é" * 120,
    "0" * 241,
    "0" * 1_001,
    "\U0010ffff",
    "x" * 70_000,
)
MONITORS = ("mon_a", "mon_b", "mon_" + "0" * 20, "", "\0", "m" * 101)

_EXTREMES: tuple[Any, ...] = (
    *NUMBERS, *TIMES, *FLOATS, *TEXTS[:-1], None, True, b"\xff", [], {}, [0] * 6, {"a": float("nan")},
)  # fmt: skip

times = st.sampled_from(TIMES) | st.integers(NOW_MS - 60_000, NOW_MS + 60_000)
numbers = st.sampled_from(NUMBERS) | st.integers(-5, 600)
texts = st.sampled_from(TEXTS) | st.text(max_size=20)
values: st.SearchStrategy[Any] = st.one_of(
    times, numbers, texts, st.sampled_from(FLOATS), st.binary(max_size=8), st.none(), st.booleans(), st.just([])
)
facts = st.dictionaries(texts | st.just("address"), values, max_size=4)
#: The fields of a result in their order, each at its extremes.
fields: st.SearchStrategy[list[Any]] = st.tuples(
    numbers,
    st.sampled_from(MONITORS) | texts,
    times,
    st.sampled_from(list(Status)),
    st.sampled_from(list(Reason)),
    times,
    st.lists(numbers | st.integers(0, 10**8), min_size=0, max_size=5),
    st.sampled_from(("", "rnd_a", "rnd_b", "\0", "r" * 200)),
    st.sampled_from((0, 1, 2, 3)) | numbers,
    numbers,
    numbers,
    texts,
    facts,
    st.sampled_from((0, 7)) | numbers,
).map(list)


def entry_by_chance(dice: Random) -> bytes:
    """The same without a strategy, a hundred times as fast: an entry of ten results, its bytes changed now and then."""
    payload = msgspec.msgpack.encode([_result_by_chance(dice) for _ in range(10)])
    if dice.random() < 0.3:
        changes = [(dice.randrange(10**6), dice.randrange(256)) for _ in range(dice.randint(1, 6))]
        return overwritten(payload, changes)
    return payload


def _result_by_chance(dice: Random) -> list[Any]:
    result: list[Any] = [
        1, dice.choice(MONITORS[:3]), NOW_MS, dice.choice(list(Status)), dice.choice(list(Reason)), NOW_MS,
        [1, 2, 3, 4, dice.randrange(10**8)], dice.choice(("", "rnd_a", "rnd_b")), dice.randint(0, 2), 1, 200, "x",
        {"address": "192.0.2.1"}, 7,
    ]  # fmt: skip
    for _ in range(dice.choice((0, 0, 1, 1, 2, 5))):
        result[dice.randrange(len(result))] = dice.choice(_EXTREMES)
    if dice.random() < 0.2:
        result[12] = {dice.choice(TEXTS[:-1]): dice.choice(_EXTREMES)}
    return result[: dice.choice((14, 14, 14, dice.randrange(15)))]


@st.composite
def entries(draw: st.DrawFn) -> bytes:
    """The bytes of one entry: results, some with a field of another type, some with bytes changed, or none at all."""
    results = draw(st.lists(fields, max_size=6))
    for result in results:
        if draw(st.integers(0, 5)) == 0:
            result[draw(st.integers(0, len(result) - 1))] = draw(values)
    return mutated(draw, msgspec.msgpack.encode(results))


def mutated(draw: st.DrawFn, payload: bytes) -> bytes:
    """The bytes as they are, or some of them changed, cut or doubled."""
    match draw(st.integers(0, 7)):
        case 0:
            at = draw(st.integers(0, len(payload)))
            return payload[:at]
        case 1:
            at = draw(st.integers(0, len(payload)))
            return payload[:at] + draw(st.binary(max_size=6)) + payload[at:]
        case 2:
            return overwritten(
                payload, draw(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4))
            )
        case 3:
            return payload + draw(st.binary(max_size=20))
        case _:
            return payload


def overwritten(payload: bytes, changes: Sequence[tuple[int, int]]) -> bytes:
    changed = bytearray(payload)
    for at, value in changes:
        if changed:
            changed[at % len(changed)] = value
    return bytes(changed)
