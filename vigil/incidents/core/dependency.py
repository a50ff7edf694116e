"""Inhibition by dependency: whether a parent's incident explains a child's, and for how long. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from vigil.incidents.core.model import IncidentKind

#: A parent's incident may be detected later than the child's by this, or by one interval of the parent.
GRACE = timedelta(seconds=60)
#: Time for a child to recover after its parent, besides its own interval.
RECOVERY = timedelta(seconds=60)
LONGEST = timedelta(minutes=10)
#: Parent and child fail together but the child may be confirmed first: it waits for one turn of the parent's regions,
#: and for the verdict.
VERDICT = timedelta(seconds=3)
WAIT_LEAST, WAIT_MOST = timedelta(seconds=5), timedelta(seconds=30)

#: A parent explains nothing worse than itself: a slow parent does not explain a child that is down.
_WEIGHT = {
    IncidentKind.REGIONAL: 1,
    IncidentKind.DEGRADED: 1,
    IncidentKind.ACCOUNT: 2,
    IncidentKind.HEARTBEAT: 3,
    IncidentKind.OUTAGE: 3,
}


@dataclass(frozen=True, slots=True)
class ParentTrouble:
    """A parent's incident. `interval` is its monitor's check interval."""

    kind: IncidentKind
    started: datetime
    interval: timedelta
    ended: datetime | None = None


def holds_back(child: ParentTrouble, parent: ParentTrouble, now: datetime) -> tuple[bool, datetime | None]:
    """Whether the parent's incident holds the child's alerts now, and until when if known.

    1. The child's incident is no worse than the parent's.
    2. It did not begin before the parent's by more than the grace (then it has its own cause), nor after the parent's
       ended.
    3. Held while the parent's lasts, then for the child's recovery time.
    """
    weight = _WEIGHT.get(child.kind)
    if weight is None or weight > _WEIGHT.get(parent.kind, 0):
        return False, None
    if child.started < parent.started - min(LONGEST, max(GRACE, parent.interval)):
        return False, None
    if parent.ended is None:
        return True, None
    until = parent.ended + min(LONGEST, RECOVERY + child.interval)
    return child.started <= parent.ended and now < until, until


def waits_until(child: ParentTrouble, opened: datetime, every: timedelta, regions: int) -> datetime | None:
    """Until when a child waits for a parent's verdict, or None. `every`: interval of each of its `regions`."""
    if child.kind not in _WEIGHT:
        return None
    return opened + min(WAIT_MOST, max(WAIT_LEAST, every / max(1, regions) + VERDICT))
