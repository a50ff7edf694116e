"""Facts of results for people: key headroom, certificate and registration days, engine load. Pure.

A region writes its facts itself, so their types are checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_PREFIX = "ratelimit_"
_ENGINE = ("requests_running", "requests_waiting", "cache_used_percent", "queue_age_s", "deployments_out")

Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class KeyAllowance:
    """One quota of a provider, such as `requests`: `left` is the remaining part, from 0 to 1."""

    counted: str
    limit: float | None = None
    remaining: float | None = None
    reset_s: float | None = None

    @property
    def left(self) -> float | None:
        if not self.limit or self.remaining is None:
            return None
        return round(min(1.0, max(0.0, self.remaining / self.limit)), 4)


def allowances(facts: Facts) -> list[KeyAllowance]:
    """Every quota that a result tells of, by name."""
    found: dict[str, dict[str, float]] = {}
    for name, value in facts.items():
        number = as_number(value)
        if not name.startswith(_PREFIX) or number is None:
            continue
        counted, _, part = name.removeprefix(_PREFIX).rpartition("_")
        if part == "s":
            counted, part = counted.removesuffix("_reset"), "reset_s"
        if part in ("limit", "remaining", "reset_s"):
            found.setdefault(counted, {})[part] = number
    return [KeyAllowance(counted, **parts) for counted, parts in sorted(found.items())]


def engine_load(facts: Facts) -> dict[str, float]:
    """Numbers of an inference server: requests running and waiting, used cache in percent, the oldest wait."""
    numbers = {name: as_number(facts.get(name)) for name in _ENGINE}
    return {name: number for name, number in numbers.items() if number is not None}


def as_number(value: object) -> float | None:
    """A number that a region sent; None for anything else."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
