"""Durations as the file writes them, and the bounds of intervals, timeouts and graces. Pure."""

from __future__ import annotations

from dataclasses import dataclass

INTERVAL_S, TIMEOUT_S = (5, 86_400), (0.1, 60.0)
#: A heartbeat's period, grace and longest run.
HEARTBEAT_S = (60, 365 * 86_400)
DEFAULT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Bounded:
    """A duration within bounds (s), and what to tell when it had to be changed."""

    seconds: float
    note: str = ""


def written(seconds: float) -> str:
    """`30s`, `5m`, `2h`, `1d`; milliseconds where it is no whole second."""
    ms = round(seconds * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if ms and ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms}ms"


def bounded(seconds: float, least: float, most: float, what: str) -> Bounded:
    kept = min(max(seconds, least), most)
    if kept == seconds:
        return Bounded(seconds)
    limit = "least" if seconds < least else "most"
    return Bounded(kept, f"{what} is {written(kept)}, the {limit} here; the source says {written(seconds)}")


def interval_of(seconds: float, least: float = INTERVAL_S[0]) -> Bounded:
    """An interval in whole seconds."""
    return bounded(
        round(seconds) if seconds >= 1 else seconds, max(least, INTERVAL_S[0]), INTERVAL_S[1], "the interval"
    )


def timeout_of(seconds: float | None, interval_s: float) -> Bounded:
    """A timeout that is not longer than the interval; the default needs no note."""
    most = min(TIMEOUT_S[1], interval_s)
    if seconds is None:
        return Bounded(min(DEFAULT_TIMEOUT_S, most))
    return bounded(seconds, TIMEOUT_S[0], most, "the timeout")


def heartbeat_length(seconds: float, what: str) -> Bounded:
    return bounded(round(seconds), *HEARTBEAT_S, what)
