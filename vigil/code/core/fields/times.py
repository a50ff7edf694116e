"""Types of fields for durations, days and times. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from vigil.code.core.durations import HOW, PATTERN, duration, milliseconds
from vigil.code.core.fields.types import Json, Wrong, read_text
from vigil.code.core.tree import Node, shown
from vigil.heartbeats.core.zones import zone_of

_DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class DurationType:
    """A duration such as `30s`, stored as a whole number of `unit_ms` milliseconds."""

    least_ms: int
    most_ms: int
    unit_ms: int = 1_000

    def read(self, node: Node) -> int:
        if isinstance(node.value, int | float) and not isinstance(node.value, bool):
            raise Wrong(f"{node.value} has no unit: {HOW}")
        ms = milliseconds(read_text(node))
        if ms is None:
            raise Wrong(f"{shown(node.value)} is not a duration: {HOW}")
        if not self.least_ms <= ms <= self.most_ms:
            raise Wrong(f"must be from {duration(self.least_ms)} to {duration(self.most_ms)}")
        if ms % self.unit_ms:
            raise Wrong(f"must be a multiple of {duration(self.unit_ms)}")
        return ms // self.unit_ms

    def written(self, value: Any) -> Any:
        return duration(value * self.unit_ms)

    def schema(self) -> Json:
        return {"type": "string", "pattern": PATTERN, "examples": ["30s", "5m", "2h", "1d"]}


@dataclass(frozen=True, slots=True)
class WeekdayType:
    """A day such as `mon`, stored as its number from Monday, 0."""

    def read(self, node: Node) -> int:
        text = read_text(node).lower()
        found = next((day for day, name in enumerate(_DAY_NAMES) if text in (name, name[:3])), None)
        if found is None:
            raise Wrong(f"{shown(node.value)} is not one of {', '.join(DAYS)}")
        return found

    def written(self, value: Any) -> Any:
        return DAYS[value]

    def schema(self) -> Json:
        return {"enum": list(DAYS)}


@dataclass(frozen=True, slots=True)
class ClockTimeType:
    """A time of day such as `09:00`."""

    def read(self, node: Node) -> str:
        try:
            found = time.fromisoformat(read_text(node))
        except ValueError:
            raise Wrong(f"{shown(node.value)} is not a time of day: write 09:00") from None
        if found.tzinfo is not None or found.microsecond:
            raise Wrong(f"{shown(node.value)} is more than a time of day: write 09:00, and the zone in its own field")
        return found.isoformat()

    def written(self, value: Any) -> Any:
        return value[:5] if value.endswith(":00") and len(value) == 8 else value

    def schema(self) -> Json:
        return {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$"}


@dataclass(frozen=True, slots=True)
class DayType:
    """A date such as `2026-01-31`."""

    def read(self, node: Node) -> str:
        try:
            return date.fromisoformat(read_text(node)).isoformat()
        except ValueError:
            raise Wrong(f"{shown(node.value)} is not a date: write 2026-01-31") from None

    def written(self, value: Any) -> Any:
        return value

    def schema(self) -> Json:
        return {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}


@dataclass(frozen=True, slots=True)
class MomentType:
    """A moment with its offset, such as `2026-01-31T22:00:00Z`."""

    def read(self, node: Node) -> str:
        try:
            found = datetime.fromisoformat(read_text(node))
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise Wrong(f"{shown(node.value)} is not a moment with an offset: write 2026-01-31T22:00:00Z")
        return as_moment(found)

    def written(self, value: Any) -> Any:
        return value

    def schema(self) -> Json:
        return {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].+(Z|[-+][0-9:]+)$"}


@dataclass(frozen=True, slots=True)
class ZoneType:
    """A time zone such as `Europe/Berlin`."""

    def read(self, node: Node) -> str:
        name = read_text(node)
        if zone_of(name) is None:
            raise Wrong(f"there is no time zone {shown(name)}: use one such as Europe/Berlin")
        return name

    def written(self, value: Any) -> Any:
        return value

    def schema(self) -> Json:
        return {"type": "string", "maxLength": 64, "minLength": 1}


def as_moment(at: datetime) -> str:
    """A moment in UTC, as documents store and write it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
