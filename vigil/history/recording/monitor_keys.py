"""Key lookup of monitors and regions in history."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vigil.monitors.models import Monitor, Region

#: Unknown names queried at once and cached as unknown: a region may write any.
ASKED_MOST = 1_000
UNKNOWN_MOST = 20_000
#: Form of a monitor's public id; anything else is ignored.
_NAME = re.compile(r"mon_[0-9a-z]{1,20}")


class MonitorKeys:
    """All monitors (with paused and deleted ones, whose results may be late) and regions."""

    def __init__(self) -> None:
        self.monitors: dict[str, int] = {}
        self.regions: dict[int, str] = {}
        self._unknown: set[str] = set()

    def load(self) -> None:
        """Load regions, and monitors if none are loaded; clears the cache of unknown names."""
        self.regions = dict(Region.objects.values_list("pk", "slug"))
        self._unknown.clear()
        if not self.monitors:
            self.monitors.update(Monitor.objects.values_list("public_id", "pk").iterator(chunk_size=10_000))

    def learn(self, public_ids: Iterable[str]) -> None:
        """Query monitors not known yet."""
        asked = {name for name in public_ids if name not in self._unknown and _NAME.fullmatch(name)}
        names = sorted(asked)[:ASKED_MOST]
        if not names:
            return
        found = dict(Monitor.objects.filter(public_id__in=names).values_list("public_id", "pk"))
        self.monitors.update(found)
        if len(self._unknown) < UNKNOWN_MOST:
            self._unknown.update(set(names) - found.keys())
