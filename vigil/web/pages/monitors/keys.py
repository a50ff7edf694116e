"""Parts of a monitor's page about keys: the trend of each quota, and the readiness of a chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from vigil.access.core.headroom import counted_in_words, in_minutes
from vigil.access.core.pooled import QuotaTrend
from vigil.access.headroom_rows import headroom_of
from vigil.access.models import KeyHeadroom
from vigil.monitors.core.composite_rules import RANKED
from vigil.monitors.core.readiness import ReadinessReason
from vigil.monitors.models import Composite, DerivedKind, Monitor
from vigil.read_models.core.figures import milliseconds
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.monitor.readiness import ShownTarget, read_readiness
from vigil.web.parts.marks import StateMark, mark

_WORDS = {
    ReadinessReason.READY: (ShownState.UP, "Ready"),
    ReadinessReason.DEGRADED_FALLBACK: (ShownState.DEGRADED, "Fallback degraded"),
    ReadinessReason.NO_HEADROOM: (ShownState.DEGRADED, "No headroom"),
    ReadinessReason.NO_FALLBACK: (ShownState.DEGRADED, "No fallback"),
    ReadinessReason.ON_FALLBACK: (ShownState.DEGRADED, "On a fallback"),
    ReadinessReason.ALL_DOWN: (ShownState.DOWN, "All down"),
    ReadinessReason.UNKNOWN: (ShownState.UNKNOWN, "Unknown"),
}


@dataclass(frozen=True, slots=True)
class QuotaLine:
    """One quota in words: what is left, its trend, and each region's trend where they differ."""

    name: str
    left: str
    words: str
    is_foretold: bool
    regions: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class KeyPanel:
    """The quotas of a key, and from when on its owner is warned (minutes)."""

    lines: Sequence[QuotaLine]
    is_warned: bool
    warning_minutes: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class TargetLine:
    """A member of a chain in words."""

    target: ShownTarget
    mark: StateMark
    place: str
    facts: str


@dataclass(frozen=True, slots=True)
class ReadinessPanel:
    """What would happen if the member that serves died now."""

    mark: StateMark
    words: str
    lines: Sequence[TargetLine]


def key_panel(monitor: Monitor) -> KeyPanel | None:
    """The panel of a monitor whose key tells of quotas."""
    row = KeyHeadroom.objects.filter(monitor=monitor).first()
    if row is None or not row.quotas:
        return None
    lines = [_quota(one) for one in headroom_of(row).quotas]
    return KeyPanel(lines, row.warned, monitor.headroom_warning_minutes, row.at)


def readiness_panel(monitor: Monitor, now: datetime) -> ReadinessPanel | None:
    """The panel of a chain, whatever its rule does with it."""
    if monitor.kind != DerivedKind.COMPOSITE or not Composite.objects.filter(monitor=monitor, rule__in=RANKED).exists():
        return None
    found = read_readiness(monitor, now)
    lines = [_target(one, found.serving, found.next) for one in found.targets]
    return ReadinessPanel(mark(*_WORDS[found.reason], pill=True), found.words, lines)


def _quota(one: QuotaTrend) -> QuotaLine:
    left = "" if one.left is None else f"{one.left * 100:.0f}\u202f% left"
    told = [(region, in_minutes(trend)) for region, trend in one.regions.items()]
    # What every region says stands there once.
    regions = told if {words for _, words in told} != {in_minutes(one.trend)} else []
    return QuotaLine(
        counted_in_words(one.counted).capitalize(), left, in_minutes(one.trend), one.trend.minutes is not None, regions
    )


def _target(one: ShownTarget, serving: str | None, following: str | None) -> TargetLine:
    role = f"fallback {one.rank}" if one.rank else "primary"
    place = "serves" if one.monitor == serving else f"{role}, next" if one.monitor == following else role
    facts = [
        "" if one.left is None else f"{one.left * 100:.0f}\u202f% of its quota left",
        "its key has no headroom" if one.is_short else "",
        "" if one.p50_ms is None else f"answers in {milliseconds(one.p50_ms)}",
        "" if one.budget_left is None else f"{max(0, round(one.budget_left * 100))}\u202f% of its error budget left",
    ]
    return TargetLine(one, mark(ShownState(one.status)), place, ", ".join(filter(None, facts)))
