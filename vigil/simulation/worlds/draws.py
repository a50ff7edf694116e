"""Keyed randomness: reproducible draws from a seed and a key, independent of call order."""

from __future__ import annotations

import random

_MASK = (1 << 64) - 1
_SPAN = 1 << 53


def unit(*key: int) -> float:
    """A number in [0, 1) for this key, always the same."""
    mixed = hash(key)
    mixed ^= mixed >> 29
    mixed = (mixed * 0xBF58476D1CE4E5B9) & _MASK
    mixed ^= mixed >> 32
    return (mixed >> 11) / _SPAN


def between(least: float, most: float, *key: int) -> float:
    """A number in [least, most) for this key."""
    return least + (most - least) * unit(*key)


def stream(*key: int) -> random.Random:
    """A random stream, for values drawn once when a world is made."""
    return random.Random(int(unit(*key) * _SPAN))
