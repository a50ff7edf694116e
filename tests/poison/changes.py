"""Changes that make a message hostile: every field at its extremes, parts taken away, doubled or nested, bytes changed.

All of it is drawn from a `random.Random`: one with a seed is fast, and one of Hypothesis finds the smallest case.
"""

from __future__ import annotations

import math
from random import Random
from typing import Any

from tests.probes.hostile_results import FLOATS, NUMBERS, TEXTS, TIMES

HUGE_NUMBERS = (10**30, -(10**400), 2**64, 2**128, True, False)
ODD_TEXTS = (
    "9" * 400, "1e400", "-1", "²", "NaN", "a\x85b", "\u2028", "../../x", "a..b@example.com", "1970-01-01", "{",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "18446744073709551615-18446744073709551615",
    "(" * 40, "%00%ff",
)  # fmt: skip
#: What MessagePack can hold; JSON also holds larger whole numbers, and halves of characters.
PACKED: tuple[Any, ...] = (*NUMBERS, *TIMES, *FLOATS, *TEXTS[:-1], *ODD_TEXTS, None, True, b"\xff\0", [], {}, [[]] * 9)
WRITTEN: tuple[Any, ...] = (*PACKED[: PACKED.index(b"\xff\0")], [], {}, *HUGE_NUMBERS, "\ud83d", "\udfff\0", math.nan)


def changed(tree: Any, dice: Random, extremes: tuple[Any, ...] = PACKED) -> Any:
    """A message with up to five of its parts changed, anywhere in it."""
    for _ in range(dice.choice((0, 1, 1, 1, 2, 5))):
        tree = _changed_once(tree, dice, extremes)
    return tree


def changed_bytes(payload: bytes, dice: Random) -> bytes:
    """Bytes as they are, three times in four; else with some of them changed, cut, doubled, or more behind them."""
    kind = dice.randrange(20)
    at = dice.randrange(len(payload) + 1)
    if kind == 0:
        return payload[:at]
    if kind == 1:
        return payload[:at] + bytes(dice.randrange(256) for _ in range(dice.randrange(6))) + payload[at:]
    if kind == 2:
        return payload[:at] + payload[dice.randrange(len(payload) + 1) :]
    if kind > 4 or not payload:
        return payload
    found = bytearray(payload)
    for _ in range(dice.randint(1, 6)):
        found[dice.randrange(len(found))] = dice.choice((0, 0x1F, 0x7F, 0xC1, 0xED, 0xFF, dice.randrange(256)))
    return bytes(found)


def _changed_once(tree: Any, dice: Random, extremes: tuple[Any, ...]) -> Any:
    if isinstance(tree, list) and tree and dice.randrange(8):
        at = dice.randrange(len(tree))
        return [*tree[:at], _changed_once(tree[at], dice, extremes), *tree[at + 1 :]]
    if isinstance(tree, dict) and tree and dice.randrange(8):
        name = dice.choice(list(tree))
        return {**tree, name: _changed_once(tree[name], dice, extremes)}
    kind = dice.randrange(12)
    if kind == 0 and isinstance(tree, list):
        return tree[: dice.randrange(len(tree) + 1)]
    if kind == 1 and isinstance(tree, list):
        return [*tree, dice.choice(extremes)] * dice.choice((1, 2, 3))
    if kind == 2 and isinstance(tree, dict):
        return {**tree, dice.choice(TEXTS[:-1]): dice.choice(extremes)}
    if kind == 3 and isinstance(tree, str):
        return tree + dice.choice(TEXTS[:-1])
    if kind == 4:
        return [tree] if dice.randrange(2) else {"a": tree}
    return dice.choice(extremes)
