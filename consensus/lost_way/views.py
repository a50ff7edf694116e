"""Views of the regions: a table of monitors (rows) and regions (columns), with what each region saw last. Pure.

Only rows with a failure are kept, and so many at most: what one region makes up does not push out what others see.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Container, Mapping
from itertools import islice

#: A view is good for this long.
VIEW_MS = 300_000
#: Rows kept at most, and rows looked at in one judgement of one region.
ROWS = 50_000
#: Rows that one region may begin: what it makes up must not push out what others see.
ROWS_BEGUN = ROWS // 2
SAMPLE = 500


class Views:
    """The table. `failing` maps a region to the monitors that fail there, each with when that began."""

    def __init__(self) -> None:
        self.domain: dict[str, str] = {}
        self.failing: dict[str, dict[str, int]] = {}
        self._rows: OrderedDict[str, dict[str, tuple[bool, int]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, region: str, monitor: str, failing: bool, at_ms: int) -> None:
        """What a region saw of a monitor."""
        views = self._rows.get(monitor)
        if views is None:
            if not failing or len(self.failing.get(region, ())) >= ROWS_BEGUN:
                return
            views = self._rows[monitor] = {}
            if len(self._rows) > ROWS:
                self._drop(self._rows.popitem(last=False))
        views[region] = failing, at_ms
        if failing:
            self.failing.setdefault(region, {}).setdefault(monitor, at_ms)
        elif region in self.failing:
            self.failing[region].pop(monitor, None)

    def forget_region(self, region: str) -> None:
        """Drop what fails in a region: it begins afresh."""
        for monitor in self.failing.pop(region, {}):
            self._rows.get(monitor, {}).pop(region, None)

    def forget(self, now_ms: int) -> None:
        """Drop the oldest rows whose views are all past; rows are in the order in which they began."""
        for monitor, views in list(islice(self._rows.items(), SAMPLE)):
            if all(now_ms - at_ms > VIEW_MS for _, at_ms in views.values()):
                self._drop((monitor, self._rows.pop(monitor)))
            elif not any(failing for failing, _ in views.values()):
                del self._rows[monitor]
            else:
                self._rows.move_to_end(monitor)

    def contradicted(self, region: str, failing: Collection[str], held: Container[str], now_ms: int) -> tuple[int, int]:
        """Of the monitors that fail in this region: how many the others pass, and on how many they have a view."""
        verdicts = [self._passed_elsewhere(region, monitor, held, now_ms) for monitor in islice(failing, SAMPLE)]
        return verdicts.count(True), len(verdicts) - verdicts.count(None)

    def alone(self, region: str, held: Container[str], now_ms: int) -> int:
        """How many of the monitors that fail in this region some other region passes, and none that votes fails."""
        rows = (self._others(region, monitor, held, now_ms) for monitor in islice(self.failing.get(region, {}), SAMPLE))
        return sum(bool(row) and not any(row.values()) for row in rows)

    def _passed_elsewhere(self, region: str, monitor: str, held: Container[str], now_ms: int) -> bool | None:
        """Whether most other regions, in most other domains, pass it; None when fewer than two have a view.

        Regions of the same domain are asked only where there are too few others: they may share what is wrong.
        """
        others = self._others(region, monitor, held, now_ms)
        domain = self._domain_of(region)
        voters = {other: failing for other, failing in others.items() if self._domain_of(other) != domain}
        if len(voters) < 2:
            voters = dict(others)
        if len(voters) < 2:
            return None
        passing = [other for other, failing in voters.items() if not failing]
        spanned = {self._domain_of(other) for other in passing}
        present = {self._domain_of(other) for other in voters}
        return len(passing) >= 2 and 2 * len(passing) > len(voters) and 2 * len(spanned) > len(present)

    def _others(self, region: str, monitor: str, held: Container[str], now_ms: int) -> Mapping[str, bool]:
        """The views of the other regions that vote: whether it fails there."""
        return {
            other: failing
            for other, (failing, at_ms) in self._rows.get(monitor, {}).items()
            if other != region and other not in held and now_ms - at_ms <= VIEW_MS
        }

    def _domain_of(self, region: str) -> str:
        return self.domain.get(region, region)

    def _drop(self, row: tuple[str, dict[str, tuple[bool, int]]]) -> None:
        monitor, views = row
        for region in views:
            self.failing.get(region, {}).pop(monitor, None)
