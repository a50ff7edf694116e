"""Recorder intake: results read but not yet written, sorted into chunks, with positions and gaps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from probes import keys
from probes.admission import Refusal, admit_results
from probes.prober import PAUSE
from probes.reasons import Reason
from probes.wire import Result, is_canary
from vigil.history.core.chunks import SHARD, ChunkContent
from vigil.history.core.packing import HOUR_MS, entry
from vigil.history.models import GapReason

#: Results later than this are not recorded but counted as missing. Their day must still be stored in full, since it is
#: rolled up again.
OLDEST_MS = 24 * HOUR_MS
NEWEST_MS = 5 * 60_000
#: Written by another user of Redis than the region, so nothing of its own is missing.
_OF_STRANGERS = frozenset({Refusal.FORGED, Refusal.WRONG_PLACE, Refusal.REPLAYED})
_GAPS = {Refusal.IMPLAUSIBLE_TIME: GapReason.IMPLAUSIBLE, Refusal.OUT_OF_BOUNDS: GapReason.IMPLAUSIBLE}


@dataclass(slots=True)
class Missing:
    """Results that are, or may be, lost."""

    from_ms: int
    to_ms: int
    results: int | None = 0

    def add(self, at_ms: int, results: int) -> None:
        self.from_ms, self.to_ms = min(self.from_ms, at_ms), max(self.to_ms, at_ms)
        self.results = (self.results or 0) + results


@dataclass(slots=True)
class ReadPosition:
    """Recorded and read position of a region's stream."""

    recorded: str | None
    read: str


@dataclass(slots=True)
class Intake:
    """Everything since the last write. `monitors` maps public ids to keys; results of unknown ones are set aside."""

    monitors: Mapping[str, int]
    chunks: dict[tuple[int, int, int], ChunkContent] = field(default_factory=dict)
    missing: dict[tuple[int, GapReason], Missing] = field(default_factory=dict)
    strangers: list[tuple[int, Result, int]] = field(default_factory=list)
    results: int = 0
    #: Monitors (public ids) whose checks cost money, with the region that found out.
    billed: dict[str, int] = field(default_factory=dict)
    #: Results of canaries, each with its region.
    canaries: list[tuple[int, Result]] = field(default_factory=list)
    oldest_ms: int = OLDEST_MS

    def take(self, region: int, entry_id: str, payload: bytes, now_ms: int) -> None:
        """Take one stream entry. Its id and content are untrusted, since the region wrote them."""
        at_ms = min(keys.entry_id(entry_id)[0], now_ms)
        admitted = admit_results(payload, now_ms)
        for cause, count in admitted.refused.items():
            self.miss(region, _GAPS.get(cause, GapReason.UNREADABLE), at_ms, count)
        self._sort(region, admitted.results, at_ms)

    def refuse(self, region: int, entry_id: str, cause: Refusal, now_ms: int) -> None:
        """Count an entry that the region did not sign: what it would have written itself is missing."""
        if cause not in _OF_STRANGERS:
            self.miss(region, GapReason.UNREADABLE, min(keys.entry_id(entry_id)[0], now_ms))

    def _sort(self, region: int, results: Iterable[Result], at_ms: int) -> None:
        """Sort each result into the chunk of its hour and shard. Hot path."""
        monitors, chunks = self.monitors, self.chunks
        oldest_ms, newest_ms = at_ms - self.oldest_ms, at_ms + NEWEST_MS
        for result in results:
            if result.reason is Reason.OVERDUE:
                # A warning about a running check; its result follows.
                continue
            slot_ms = result.at_ms
            if not oldest_ms <= slot_ms <= newest_ms:
                self.miss(region, GapReason.IMPLAUSIBLE, at_ms)
                continue
            if PAUSE in result.facts:
                self.billed[result.monitor] = region
            monitor = monitors.get(result.monitor)
            if monitor is None:
                self.strangers.append((region, result, at_ms))
                continue
            if result.round and is_canary(result.round):
                self.canaries.append((region, result))
            place = (slot_ms // HOUR_MS, monitor // SHARD, region)
            chunk = chunks.get(place)
            if chunk is None:
                chunk = chunks[place] = ChunkContent()
            chunk.add(monitor, entry(result), result)
            self.results += 1

    def introduce(self) -> None:
        """Take results set aside, now that `monitors` was reloaded; still unknown ones are missing."""
        strangers, self.strangers = self.strangers, []
        for region, result, at_ms in strangers:
            if result.monitor in self.monitors:
                self._sort(region, (result,), at_ms)
            else:
                self.miss(region, GapReason.UNKNOWN_MONITOR, at_ms)

    def miss(self, region: int, why: GapReason, at_ms: int, count: int = 1) -> None:
        """Count results or an unreadable entry as missing."""
        self.missing.setdefault((region, why), Missing(at_ms, at_ms)).add(at_ms, count)

    def cut(self, region: int, from_ms: int, to_ms: int) -> None:
        """Record that a stream was trimmed or lost between two moments before it was read."""
        known = self.missing.get((region, GapReason.TRIMMED))
        self.missing[region, GapReason.TRIMMED] = Missing(
            min(from_ms, known.from_ms) if known else from_ms, to_ms, None
        )
