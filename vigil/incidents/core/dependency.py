"""Whether a parent's trouble explains a child's, and for how long that holds its alerts back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from vigil.incidents.core.model import IncidentKind

#: A parent's trouble may be seen later than what it causes: by this much, or by one of the parent's intervals.
GRACE = timedelta(seconds=60)
#: How long a child may take to follow a parent that has recovered: its own interval, and the law of recovery.
RECOVERY = timedelta(seconds=60)
LONGEST = timedelta(minutes=10)
#: A child may be confirmed before its parent, which fails at the same moment: it waits for one turn of the parent's
#: regions, and a little for the verdict, before it is told.
VERDICT = timedelta(seconds=3)
WAIT_LEAST, WAIT_MOST = timedelta(seconds=5), timedelta(seconds=30)

#: A parent explains what is no worse than itself: one that is merely slow does not explain a child that is down.
_WEIGHT = {
    IncidentKind.REGIONAL: 1,
    IncidentKind.DEGRADED: 1,
    IncidentKind.ACCOUNT: 2,
    IncidentKind.HEARTBEAT: 3,
    IncidentKind.OUTAGE: 3,
}


@dataclass(frozen=True, slots=True)
class ParentTrouble:
    """An incident as seen from here. `interval` is how often its monitor is looked at."""

    kind: IncidentKind
    started: datetime
    interval: timedelta
    ended: datetime | None = None


def holds_back(child: ParentTrouble, parent: ParentTrouble, now: datetime) -> tuple[bool, datetime | None]:
    """Whether the parent's incident holds the child's alerts back now, and until when if that is known.

    1. The child's trouble must be no worse than the parent's.
    2. It must not have begun before the parent's by more than the grace: then it has a cause of its own. Nor after
       the parent's has ended.
    3. It is held while the parent's lasts, and then for as long as the child may take to recover by itself.
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
    """Until when a child waits for the verdict on a parent of which no trouble is known; None where it does not wait.

    `every` is how often the parent is looked at by each of its `regions`, which take turns.
    """
    if child.kind not in _WEIGHT:
        return None
    return opened + min(WAIT_MOST, max(WAIT_LEAST, every / max(1, regions) + VERDICT))
