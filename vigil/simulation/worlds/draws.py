"""Chance that can be repeated: numbers drawn from a seed and a key, so that an event's luck depends on nothing else."""

from __future__ import annotations

import random

_MASK = (1 << 64) - 1
_SPAN = 1 << 53


def unit(*key: int) -> float:
    """A number in [0, 1) that belongs to this key: whoever asks, and whenever, gets the same one."""
    mixed = hash(key)
    mixed ^= mixed >> 29
    mixed = (mixed * 0xBF58476D1CE4E5B9) & _MASK
    mixed ^= mixed >> 32
    return (mixed >> 11) / _SPAN


def between(least: float, most: float, *key: int) -> float:
    """A number in [least, most) that belongs to this key."""
    return least + (most - least) * unit(*key)


def stream(*key: int) -> random.Random:
    """A source of many numbers in a row, for what is drawn once when a world is made."""
    return random.Random(int(unit(*key) * _SPAN))
