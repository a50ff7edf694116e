"""States of planned maintenance over its window: what comes next, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vigil.status.core.states import MAINTENANCE_STATES, OVER, UNDER_WAY, UpdateState


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """The window of planned work, and whether its state changes by itself."""

    starts_at: datetime
    ends_at: datetime
    is_automatic: bool = True


def state_at(state: UpdateState, window: MaintenanceWindow, now: datetime) -> UpdateState:
    """The state that planned work has by itself at `now`; what a person has said stays where it is further on.

    Where nothing ran during the whole window, it is completed at once.
    """
    if not window.is_automatic or state in OVER:
        return state
    if now >= window.ends_at:
        return UpdateState.COMPLETED
    if now >= window.starts_at and state is UpdateState.SCHEDULED:
        return UpdateState.IN_PROGRESS
    return state


def next_change(state: UpdateState, window: MaintenanceWindow) -> datetime | None:
    """When its state changes by itself next; None where it never does."""
    if not window.is_automatic or state in OVER:
        return None
    return window.starts_at if state is UpdateState.SCHEDULED else window.ends_at


def can_follow(before: UpdateState | None, after: UpdateState) -> bool:
    """Whether a state may be said next. Planned work goes forward, and what is completed is not opened again."""
    if after not in MAINTENANCE_STATES:
        return True
    if before is None:
        return after is UpdateState.SCHEDULED
    if before in UNDER_WAY:
        return after in UNDER_WAY or after in OVER
    return before is UpdateState.SCHEDULED


def began_at(window: MaintenanceWindow, announced_at: datetime, now: datetime, by_itself: bool) -> datetime:
    """When it began: as it was planned where that was announced before, never earlier than readers could know."""
    return max(window.starts_at, announced_at) if by_itself else now


def ended_at(window: MaintenanceWindow, now: datetime, by_itself: bool) -> datetime:
    """When it ended: as it was planned, or when a person said so."""
    return min(window.ends_at, now) if by_itself else now
