"""Ranges of the latency chart: `1h` to `90d`, or from one moment to another, and the step of their points. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vigil.history.core.packing import HOUR_MS

DAY_MS = 24 * HOUR_MS
#: Range -> its length and its step, in ms. None has more than 180 points.
RANGES: Mapping[str, tuple[int, int]] = {
    "1h": (HOUR_MS, 60_000),
    "24h": (DAY_MS, 900_000),
    "7d": (7 * DAY_MS, HOUR_MS),
    "30d": (30 * DAY_MS, 4 * HOUR_MS),
    "90d": (90 * DAY_MS, 12 * HOUR_MS),
}
USUAL = "24h"
POINTS_MOST = 180
#: Single checks are kept for so long, hours for longer.
CHECKS_KEPT_MS, HOURS_KEPT = 30 * DAY_MS, timedelta(days=400)
#: Phases come from single checks; a longer range has too many of them for one page.
PHASES_MOST_MS = 7 * DAY_MS
_STEPS = (60_000, 300_000, 900_000, HOUR_MS, 4 * HOUR_MS, 12 * HOUR_MS, DAY_MS, 3 * DAY_MS)


@dataclass(frozen=True, slots=True)
class ChartWindow:
    """A half-open range in ms, with the step of its points. `key` is of `RANGES`, or empty for chosen moments."""

    key: str
    start_ms: int
    end_ms: int
    step_ms: int
    #: What was wrong with the range that was asked for, in one line.
    problem: str = ""

    @property
    def has_phases(self) -> bool:
        return self.end_ms - self.start_ms <= PHASES_MOST_MS + self.step_ms and self.step_ms <= HOUR_MS

    @property
    def in_words(self) -> str:
        """`last 24 h`, or the two moments."""
        if self.key:
            return f"last {self.key[:-1]} {'h' if self.key.endswith('h') else 'days'}"
        start, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (self.start_ms, self.end_ms))
        return f"{start:%d %b %Y %H:%M} to {end:%d %b %H:%M} UTC"


def of_key(key: str, now: datetime, problem: str = "") -> ChartWindow:
    """The range of a key that ends now."""
    length_ms, step_ms = RANGES[key]
    end_ms = int(now.timestamp() * 1000) + 1
    return ChartWindow(key, (end_ms - length_ms) // step_ms * step_ms, end_ms, step_ms, problem)


def parse_range(parameters: Mapping[str, str], now: datetime) -> ChartWindow:
    """The range of an address's parameters `range`, or `from` and `to`; a bad one is the usual, and says so."""
    if parameters.get("from"):
        return _between(parameters["from"], parameters.get("to", ""), now)
    key = parameters.get("range") or USUAL
    if key in RANGES:
        return of_key(key, now)
    return of_key(USUAL, now, f"`range={key[:20]}` is not a range; showing the last 24 h.")


def between(start: datetime, end: datetime, now: datetime) -> ChartWindow:
    """The range from one moment to another."""
    start_ms, end_ms, now_ms = (int(at.timestamp() * 1000) for at in (start, end, now))
    least_ms = HOUR_MS if now_ms - start_ms > CHECKS_KEPT_MS else _STEPS[0]
    fitting = (step for step in _STEPS if step >= least_ms and end_ms - start_ms <= POINTS_MOST * step)
    step_ms = next(fitting, _STEPS[-1])
    return ChartWindow("", start_ms // step_ms * step_ms, end_ms, step_ms)


def _between(first: str, last: str, now: datetime) -> ChartWindow:
    try:
        start, end = _moment(first), min(_moment(last) if last else now, now)
        if start >= end or now - start > HOURS_KEPT:
            raise ValueError("out of range")
    except (ValueError, OverflowError):
        return of_key(USUAL, now, "`from` and `to` are two moments of the last 400 days; showing the last 24 h.")
    return between(start, end, now)


def _moment(text: str) -> datetime:
    # A plus in an address is a space.
    at = datetime.fromisoformat(text[:40].replace(" ", "+") if "T" in text else text[:40])
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
