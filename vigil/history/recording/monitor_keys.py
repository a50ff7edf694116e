"""Which key each monitor and region has in history."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vigil.monitors.models import Monitor, Region

#: Unknown names asked about at once, and remembered as unknown: a region may write any.
ASKED_MOST = 1_000
UNKNOWN_MOST = 20_000
#: What the name of a monitor looks like; whatever else a region writes is nobody's.
_NAME = re.compile(r"mon_[0-9a-z]{1,20}")


class MonitorKeys:
    """All monitors (also paused and deleted ones, whose last results may still come) and all regions."""

    def __init__(self) -> None:
        self.monitors: dict[str, int] = {}
        self.regions: dict[int, str] = {}
        self._unknown: set[str] = set()

    def load(self) -> None:
        """Read the regions, and the monitors when none is known; forget who was unknown."""
        self.regions = dict(Region.objects.values_list("pk", "slug"))
        self._unknown.clear()
        if not self.monitors:
            self.monitors.update(Monitor.objects.values_list("public_id", "pk").iterator(chunk_size=10_000))

    def learn(self, public_ids: Iterable[str]) -> None:
        """Ask for monitors that are not known yet."""
        asked = {name for name in public_ids if name not in self._unknown and _NAME.fullmatch(name)}
        names = sorted(asked)[:ASKED_MOST]
        if not names:
            return
        found = dict(Monitor.objects.filter(public_id__in=names).values_list("public_id", "pk"))
        self.monitors.update(found)
        if len(self._unknown) < UNKNOWN_MOST:
            self._unknown.update(set(names) - found.keys())
