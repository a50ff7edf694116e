"""Status of a monitor as people see it: paused, or what its state says."""

from __future__ import annotations

from probes.reasons import Status
from vigil.incidents.models import MonitorState
from vigil.monitors.models import Monitor

#: Of a monitor that is paused, whatever its state says.
PAUSED = "paused"


def shown_status(monitor: Monitor) -> str:
    """up, degraded, down, unknown or paused; select `believed` with the monitors, else each costs a query."""
    if monitor.paused:
        return PAUSED
    state = state_of(monitor)
    return state.status if state else Status.UNKNOWN.value


def state_of(monitor: Monitor) -> MonitorState | None:
    """Its state; None for a new monitor, until ingest creates one."""
    state: MonitorState | None = getattr(monitor, "believed", None)
    return state
