"""Region shapes of a row: what each region sees of a monitor now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consensus.vocabulary import Observed, observed
from probes.reasons import Reason, Status
from probes.wire import CANARY_KIND
from vigil.incidents.models import MonitorState
from vigil.incidents.shown_status import state_of
from vigil.monitors.live.results import instant
from vigil.monitors.models import Monitor
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.monitor_facts import MonitorFacts, PageRegion

#: A result is news for two intervals and its timeout; older ones say nothing about now.
_FRESH_INTERVALS = 2

_SHAPES = {
    Status.UP: ShownState.UP,
    Status.DEGRADED: ShownState.DEGRADED,
    Status.DOWN: ShownState.DOWN,
    Status.UNKNOWN: ShownState.UNKNOWN,
}
_SAW = {
    Observed.PASSING: Status.UP,
    Observed.DEGRADED: Status.DEGRADED,
    Observed.ACCOUNT: Status.DEGRADED,
    Observed.FAILING: Status.DOWN,
}


@dataclass(frozen=True, slots=True)
class RegionShape:
    """What one region sees of a monitor now; `UNKNOWN` where it is silent."""

    region: str
    state: ShownState


def seen_as(status: Status, reason: Reason) -> ShownState:
    """What one result shows: a refused key is no outage, whatever the check is called."""
    saw = observed(status, reason)
    return _SHAPES[_SAW[saw]] if saw else ShownState.UNKNOWN


def region_shapes(monitor: Monitor, facts: MonitorFacts) -> tuple[RegionShape, ...]:
    """What each region sees: its last result while it is fresh; without Redis what its votes have shown."""
    believed, results = state_of(monitor), facts.results(monitor)
    regions: Sequence[PageRegion] = facts.regions.get(monitor.pk, [])
    if monitor.paused:
        return ()
    if not facts.latest.available:
        return tuple(RegionShape(one.slug, _voted(believed, one.slug)) for one in regions)
    # The regions of a canary take turns.
    turns = max(1, len(regions)) if monitor.kind == CANARY_KIND else 1
    fresh_s = _FRESH_INTERVALS * turns * monitor.interval_s + monitor.timeout_ms / 1000
    shapes = []
    for one in regions:
        result = results.get(one.slug)
        fresh = result is not None and (facts.now - instant(result.at_ms)).total_seconds() <= fresh_s
        shapes.append(
            RegionShape(one.slug, seen_as(result.status, result.reason) if result and fresh else ShownState.UNKNOWN)
        )
    return tuple(shapes)


def _voted(believed: MonitorState | None, region: str) -> ShownState:
    if believed is None:
        return ShownState.UNKNOWN
    dissent = believed.dissent.get(region)
    return _SHAPES[_SAW[Observed(dissent["saw"])] if dissent else Status(believed.status)]
