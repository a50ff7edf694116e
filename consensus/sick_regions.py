"""Detection of sick regions: regions where many monitors fail that the others pass, or whose anchors fail. Pure.

The state is a table of monitors (rows) and regions (columns). A row that fails in most columns is a target that is
down; a column that fails in many rows that the others pass is a sick region. It is in quarantine, and its votes do not
count, until it has had three clean rounds. Regions that lost their way together are no minority, and are well again as
soon as their way is. Only rows with a failure are kept, so that memory is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil

from consensus.lost_way.law import SEEING
from consensus.lost_way.views import SAMPLE, Views
from consensus.lost_way.wording import lost_together
from consensus.proof import LostWay
from consensus.verdicts import VERDICT_VERSION, Quarantine
from consensus.vocabulary import Exclusion

#: A region is suspected when this many of its monitors, and this part of them, began to fail lately ...
SUSPECT_MONITORS = 5
SUSPECT_SHARE = 0.2
LATELY_MS = 600_000
#: ... and it is sick when the others pass this part of those on which they have a view.
CONTRADICTED_SHARE = 0.8
#: A clean round is a minute in which the region reports, and contradicts the others on less than half of what makes
#: it suspect.
CLEAN_ROUND_MS = 60_000
CLEAN_ROUNDS = 3
#: A region that has reported nothing for this long is gone, not sick.
GONE_MS = 3_600_000
#: Anchors must be reached for this long before the region's votes count again.
ANCHORS_REST_MS = 30_000
#: Regions that lost their way together vote again once they contradict the others no more for this long.
FOUND_REST_MS = 30_000
#: ... and pass so many monitors meanwhile.
FOUND_MONITORS = 3
#: A region that was cut off starts afresh at most so often: a region must not avoid quarantine by being late.
AFRESH_MS = 60_000
#: A region from which nothing comes for longer may be cut off.
GAP_MS = 2_000
#: A region that is found to be sick this soon before it tells that it was cut off was not sick.
CUT_TELLS_MS = 10_000
#: Regions that were asked within this of each other are those that are there.
ASKED_MS = 60_000
#: A proof that regions have lost their way counts for so long before another shard's list has to hold them.
PROOF_ALONE_MS = 5_000


@dataclass(slots=True)
class _Held:
    """A region in quarantine. `round_ms` is when its present clean round began."""

    since_ms: int
    why: Exclusion
    text: str
    round_ms: int
    clean: int = 0
    anchors_failed_ms: int = 0
    #: What proved that it lost its way with others, and when it last contradicted them.
    proof: LostWay | None = None
    lost_ms: int = 0
    passed: set[str] = field(default_factory=set)


class SickRegions:
    """Give it what each region sees, and call `judge` about once a second."""

    def __init__(self) -> None:
        self._views = Views()
        self._heard_ms: dict[str, int] = {}
        self._asked_ms: dict[str, int] = {}
        self._back_ms: dict[str, int] = {}
        #: The last time in which nothing came from a region: from and to when.
        self._gaps: dict[str, tuple[int, int]] = {}
        self._held: dict[str, _Held] = {}

    def __len__(self) -> int:
        return len(self._views)

    @property
    def quarantined(self) -> dict[str, Exclusion]:
        """The regions whose votes do not count now, and why."""
        return {region: held.why for region, held in self._held.items()}

    def quarantines(self) -> list[Quarantine]:
        """The same, as messages to the rest of Vigil."""
        together, seeing = self._sides()
        if not any(held.why is Exclusion.LOST_WAY for held in self._held.values()) and len(together) < len(seeing):
            together, seeing = [], []
        return [
            Quarantine(VERDICT_VERSION, region, held.since_ms, held.why, held.text, together, seeing, held.proof)
            for region, held in sorted(self._held.items())
        ]

    def restore(self, quarantines: Iterable[Quarantine], now_ms: int) -> None:
        """Load the quarantines of an earlier process; each region needs its clean rounds from now on."""
        for one in quarantines:
            if one.region not in self._held:
                self._held[one.region] = _taken(one, now_ms)

    def follow(self, quarantines: Iterable[Quarantine], now_ms: int) -> bool:
        """Take the list of the shard that judges for all, in place of `judge`; True when the regions changed."""
        self._views.forget(now_ms)
        listed, before = {one.region: one for one in quarantines}, set(self._held)
        for region in before - listed.keys():
            held = self._held[region]
            if held.why is not Exclusion.LOST_WAY or now_ms - held.lost_ms > PROOF_ALONE_MS:
                del self._held[region]
        for region, one in listed.items():
            if region not in self._held or self._held[region].why is not one.why:
                self._held[region] = _taken(one, now_ms)
        return before != set(self._held)

    def hold_together(self, found: LostWay, now_ms: int) -> None:
        """Put regions that have lost their way together into quarantine."""
        for region in found.lost:
            before = self._held.get(region)
            since_ms = before.since_ms if before else now_ms
            text = lost_together(region, found)
            self._held[region] = _Held(since_ms, Exclusion.LOST_WAY, text, now_ms, proof=found, lost_ms=now_ms)

    def place(self, region: str, domain: str, now_ms: int = 0) -> None:
        """Learn which failure domain a region is in, and that it was asked for a vote."""
        self._views.domain[region] = domain
        self._asked_ms[region] = now_ms

    def was_late(self, region: str, done_ms: int, at_ms: int) -> None:
        """A region sends what it saw a while ago. If nothing came in between it was cut off, and starts afresh."""
        self._note_gap(region, at_ms)
        gap_from_ms, gap_to_ms = self._gaps.get(region, (0, 0))
        if not gap_from_ms <= done_ms <= gap_to_ms or at_ms - self._back_ms.get(region, -AFRESH_MS) < AFRESH_MS:
            return
        held = self._held.get(region)
        if held is not None and (held.why is not Exclusion.SICK or at_ms - held.since_ms >= CUT_TELLS_MS):
            return
        self._held.pop(region, None)
        self._back_ms[region] = gap_to_ms
        self._views.forget_region(region)

    def _note_gap(self, region: str, at_ms: int) -> None:
        heard_ms = self._heard_ms.get(region, at_ms)
        if at_ms - heard_ms > GAP_MS:
            self._gaps[region] = heard_ms, at_ms
        self._heard_ms[region] = at_ms

    def is_of_a_cut(self, region: str, started_ms: int) -> bool:
        """Whether a region saw something while it was cut off."""
        return started_ms < self._back_ms.get(region, 0)

    def saw(self, region: str, monitor: str, failing: bool, at_ms: int) -> None:
        """What a region saw of a monitor, scheduled or in a look."""
        self._note_gap(region, at_ms)
        if self._held and not failing and (held := self._held.get(region)) and len(held.passed) < FOUND_MONITORS:
            held.passed.add(monitor)
        self._views.take(region, monitor, failing, at_ms)

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
        self._views.forget(now_ms)
        before = set(self._held)
        for region, failing in self._views.failing.items():
            if region not in self._held:
                self._suspect(region, failing, now_ms, monitors.get(region, 0))
        for region in before:
            self._release(region, now_ms, monitors.get(region, 0))
        together, seeing = self._sides()
        if len(together) >= len(seeing) >= SEEING:
            self._lose(now_ms)
        return before != set(self._held)

    def _sides(self) -> tuple[list[str], list[str]]:
        """The regions that are held, and those that were asked lately and are not."""
        latest_ms = max(self._asked_ms.values(), default=0)
        asked = {region for region, at_ms in self._asked_ms.items() if latest_ms - at_ms <= ASKED_MS}
        return sorted(self._held), sorted(asked - self._held.keys())

    def _lose(self, now_ms: int) -> None:
        """The sick are no minority any more: they have lost their way one after the other."""
        for region, held in self._held.items():
            if held.why is Exclusion.SICK:
                self._held[region] = replace(held, why=Exclusion.LOST_WAY, lost_ms=now_ms)

    def _suspect(self, region: str, failing: Mapping[str, int], now_ms: int, monitors: int) -> None:
        limit = _limit(monitors)
        lately = [monitor for monitor, since_ms in failing.items() if now_ms - since_ms <= LATELY_MS]
        if len(lately) < limit:
            return
        contradicted, judged = self._views.contradicted(region, lately, self._held, now_ms)
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
        if held.why is Exclusion.LOST_WAY:
            self._release_lost(region, held, now_ms, _limit(monitors))
            return
        if now_ms - max(self._heard_ms.get(region, 0), held.since_ms) > GONE_MS:
            del self._held[region]
            return
        if now_ms - held.round_ms < CLEAN_ROUND_MS:
            return
        reported = self._heard_ms.get(region, 0) > held.round_ms
        contradicted, _ = self._views.contradicted(region, self._views.failing.get(region, {}), self._held, now_ms)
        held.clean = held.clean + 1 if reported and 2 * contradicted < _limit(monitors) else 0
        held.round_ms = now_ms
        if held.clean >= CLEAN_ROUNDS:
            del self._held[region]

    def _release_lost(self, region: str, held: _Held, now_ms: int, limit: int) -> None:
        if 2 * self._views.alone(region, self._held, now_ms) >= limit:
            held.lost_ms = now_ms
            held.passed.clear()
            return
        found = now_ms - held.lost_ms >= FOUND_REST_MS and len(held.passed) >= FOUND_MONITORS
        if found or now_ms - max(self._heard_ms.get(region, 0), held.since_ms) > GONE_MS:
            del self._held[region]


def _taken(one: Quarantine, now_ms: int) -> _Held:
    """A quarantine of another process, whose clean rounds begin now."""
    return _Held(one.since_ms, one.why, one.text, now_ms, 0, now_ms, one.proof, lost_ms=now_ms)


def _limit(monitors: int) -> int:
    return max(SUSPECT_MONITORS, ceil(SUSPECT_SHARE * monitors))
