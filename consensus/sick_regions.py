"""Detection of sick regions: regions where many monitors fail that the others pass, or whose anchors fail. Pure.

The state is a table of monitors (rows) and regions (columns). A row that fails in most columns is a target that is
down; a column that fails in many rows that the others pass is a sick region. It is in quarantine, and its votes do not
count, until it has had three clean rounds. Only rows with a failure are kept, so that memory is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from math import ceil

from consensus.verdicts import VERDICT_VERSION, Quarantine
from consensus.vocabulary import Exclusion

#: A region is suspected when this many of its monitors, and this part of them, began to fail lately ...
SUSPECT_MONITORS = 5
SUSPECT_SHARE = 0.2
LATELY_MS = 600_000
#: ... and it is sick when the others pass this part of those on which they have a view.
CONTRADICTED_SHARE = 0.8
#: A view is good for this long.
VIEW_MS = 300_000
#: A clean round is a minute in which the region reports, and contradicts the others on less than half of what makes
#: it suspect.
CLEAN_ROUND_MS = 60_000
CLEAN_ROUNDS = 3
#: A region that has reported nothing for this long is gone, not sick.
GONE_MS = 3_600_000
#: Anchors must be reached for this long before the region's votes count again.
ANCHORS_REST_MS = 30_000
#: Rows kept at most, and rows looked at in one judgement of one region.
ROWS = 50_000
#: Rows that one region may begin: what it makes up must not push out what others see.
ROWS_BEGUN = ROWS // 2
SAMPLE = 500


@dataclass(slots=True)
class _Held:
    """A region in quarantine. `round_ms` is when its present clean round began."""

    since_ms: int
    why: Exclusion
    text: str
    round_ms: int
    clean: int = 0
    anchors_failed_ms: int = 0


class SickRegions:
    """Give it what each region sees, and call `judge` about once a second."""

    def __init__(self) -> None:
        self._domain: dict[str, str] = {}
        self._views: OrderedDict[str, dict[str, tuple[bool, int]]] = OrderedDict()
        self._failing: dict[str, dict[str, int]] = {}
        self._heard_ms: dict[str, int] = {}
        self._held: dict[str, _Held] = {}

    def __len__(self) -> int:
        return len(self._views)

    @property
    def quarantined(self) -> dict[str, Exclusion]:
        """The regions whose votes do not count now, and why."""
        return {region: held.why for region, held in self._held.items()}

    def quarantines(self) -> list[Quarantine]:
        """The same, as messages to the rest of Vigil."""
        return [
            Quarantine(VERDICT_VERSION, region, held.since_ms, held.why, held.text)
            for region, held in sorted(self._held.items())
        ]

    def restore(self, quarantines: Iterable[Quarantine], now_ms: int) -> None:
        """Load the quarantines of an earlier process; each region needs its clean rounds from now on."""
        for one in quarantines:
            if one.region not in self._held:
                failed_ms = now_ms if one.why is Exclusion.ANCHORS else 0
                self._held[one.region] = _Held(one.since_ms, one.why, one.text, now_ms, anchors_failed_ms=failed_ms)

    def place(self, region: str, domain: str) -> None:
        """Learn which failure domain a region is in."""
        self._domain[region] = domain

    def saw(self, region: str, monitor: str, failing: bool, at_ms: int) -> None:
        """What a region saw of a monitor, scheduled or in a look."""
        self._heard_ms[region] = at_ms
        views = self._views.get(monitor)
        if views is None:
            if not failing or len(self._failing.get(region, ())) >= ROWS_BEGUN:
                return
            views = self._views[monitor] = {}
            if len(self._views) > ROWS:
                self._drop(self._views.popitem(last=False))
        views[region] = failing, at_ms
        if failing:
            self._failing.setdefault(region, {}).setdefault(monitor, at_ms)
        elif region in self._failing:
            self._failing[region].pop(monitor, None)

    def anchors(self, region: str, failing: bool, now_ms: int) -> None:
        """Take a region's own report: whether most of its anchors fail."""
        held = self._held.get(region)
        if failing and held is None:
            text = f"Region {region} cannot reach most of the anchors that its operator set: its votes do not count."
            self._held[region] = _Held(now_ms, Exclusion.ANCHORS, text, now_ms, anchors_failed_ms=now_ms)
        elif failing and held is not None:
            held.anchors_failed_ms = now_ms

    def judge(self, now_ms: int, monitors: Mapping[str, int]) -> bool:
        """Find regions that are sick or well again; True when that changed. `monitors` counts each region's."""
        self._forget(now_ms)
        before = set(self._held)
        for region, failing in self._failing.items():
            if region not in self._held:
                self._suspect(region, failing, now_ms, monitors.get(region, 0))
        for region in before:
            self._release(region, now_ms, monitors.get(region, 0))
        return before != set(self._held)

    def _suspect(self, region: str, failing: Mapping[str, int], now_ms: int, monitors: int) -> None:
        limit = _limit(monitors)
        lately = [monitor for monitor, since_ms in failing.items() if now_ms - since_ms <= LATELY_MS]
        if len(lately) < limit:
            return
        contradicted, judged = self._contradicted(region, lately, now_ms)
        if contradicted < min(limit, SAMPLE) or contradicted < CONTRADICTED_SHARE * judged:
            return
        text = (
            f"Region {region} fails {len(lately)} of its monitors at once, and the other regions pass "
            f"{contradicted} of the {judged} on which they have a view: the region is at fault, not its targets. "
            f"Its votes do not count until {CLEAN_ROUNDS} clean minutes."
        )
        self._held[region] = _Held(now_ms, Exclusion.SICK, text, now_ms)

    def _release(self, region: str, now_ms: int, monitors: int) -> None:
        held = self._held[region]
        if held.why is Exclusion.ANCHORS:
            if now_ms - held.anchors_failed_ms >= ANCHORS_REST_MS:
                del self._held[region]
            return
        if now_ms - max(self._heard_ms.get(region, 0), held.since_ms) > GONE_MS:
            del self._held[region]
            return
        if now_ms - held.round_ms < CLEAN_ROUND_MS:
            return
        reported = self._heard_ms.get(region, 0) > held.round_ms
        contradicted, _ = self._contradicted(region, self._failing.get(region, {}), now_ms)
        held.clean = held.clean + 1 if reported and 2 * contradicted < _limit(monitors) else 0
        held.round_ms = now_ms
        if held.clean >= CLEAN_ROUNDS:
            del self._held[region]

    def _contradicted(self, region: str, failing: Collection[str], now_ms: int) -> tuple[int, int]:
        """Of the monitors that fail in this region: how many the others pass, and on how many they have a view."""
        verdicts = [self._passed_elsewhere(region, monitor, now_ms) for monitor in islice(failing, SAMPLE)]
        return verdicts.count(True), len(verdicts) - verdicts.count(None)

    def _passed_elsewhere(self, region: str, monitor: str, now_ms: int) -> bool | None:
        """Whether most other regions, in most other domains, pass it; None when fewer than two have a view.

        Regions of the same domain are asked only where there are no others: they may share what is wrong.
        """
        others = {
            other: failing
            for other, (failing, at_ms) in self._views.get(monitor, {}).items()
            if other != region and now_ms - at_ms <= VIEW_MS
        }
        domain = self._domain_of(region)
        voters = {other: failing for other, failing in others.items() if self._domain_of(other) != domain} or others
        if len(voters) < 2:
            return None
        passing = [other for other, failing in voters.items() if not failing]
        spanned = {self._domain_of(other) for other in passing}
        present = {self._domain_of(other) for other in voters}
        return len(passing) >= 2 and 2 * len(passing) > len(voters) and 2 * len(spanned) > len(present)

    def _domain_of(self, region: str) -> str:
        return self._domain.get(region, region)

    def _forget(self, now_ms: int) -> None:
        """Drop the oldest rows whose views are all past; rows are in the order in which they began."""
        for monitor, views in list(islice(self._views.items(), SAMPLE)):
            if all(now_ms - at_ms > VIEW_MS for _, at_ms in views.values()):
                self._drop((monitor, self._views.pop(monitor)))
            elif not any(failing for failing, _ in views.values()):
                del self._views[monitor]
            else:
                self._views.move_to_end(monitor)

    def _drop(self, row: tuple[str, dict[str, tuple[bool, int]]]) -> None:
        monitor, views = row
        for region in views:
            self._failing.get(region, {}).pop(monitor, None)


def _limit(monitors: int) -> int:
    return max(SUSPECT_MONITORS, ceil(SUSPECT_SHARE * monitors))
