"""Streaming median and MAD of a series: a sign-based tracker, O(1) in time and memory for each sample. Pure.

Each sample moves both by its sign and never by its size, so that one extreme sample moves them by a small step only.
Over some hundreds of samples they settle where half of the samples are on either side.
"""

from __future__ import annotations

from math import exp, log

#: Samples of which the first median and MAD are taken as they are.
START = 5
#: From this many samples on, each weighs 1/MEMORY: at one a minute, the memory is about eight hours.
MEMORY = 500
#: Logarithms of times that repeat better than this (5 %) are taken to spread this much.
SPREAD_FLOOR = 0.05
SPREAD_MOST = 4.0

#: Samples seen, median and MAD of their logarithms.
Tracked = tuple[int, float, float]


def first(samples: list[float]) -> tuple[float, float]:
    """The median and MAD of a few logarithms."""
    middle = len(samples) // 2
    median = sorted(samples)[middle]
    spread = sorted(abs(sample - median) for sample in samples)[middle]
    return median, min(max(spread, SPREAD_FLOOR), SPREAD_MOST)


def follow(seen: int, median: float, spread: float, x: float) -> tuple[float, float]:
    """The median and MAD after one more sample; `seen` counts those before it."""
    gain = 1 / min(seen + 1, MEMORY)
    away = x - median
    step = 2 * gain * spread
    # Never past the sample itself: a step is not to overshoot what it steps towards.
    median += max(-step, min(step, away))
    spread *= exp(gain) if abs(away) > spread else exp(-gain)
    return median, min(max(spread, SPREAD_FLOOR), SPREAD_MOST)


def learned(tracked: Tracked | None, value: float) -> Tracked:
    """One sample at a time from nothing on; values below 1 count as 1."""
    x = log(max(value, 1.0))
    if tracked is None:
        return 1, x, SPREAD_FLOOR * 4
    seen, median, spread = tracked
    median, spread = follow(seen, median, spread, x)
    return min(seen + 1, MEMORY), median, spread
