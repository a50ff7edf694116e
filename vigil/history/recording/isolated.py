"""Fault isolation of recording: an entry that fails alone twice becomes a dead letter and a gap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from django.db import transaction

from probes import keys
from probes.process.dead_letters import entry_of
from probes.process.isolation import Isolation
from vigil.history.models import GapReason
from vigil.history.recording.intake import Intake, ReadPosition
from vigil.history.recording.monitor_keys import MonitorKeys
from vigil.history.recording.streams import ResultStreams
from vigil.history.recording.write import Overtaken, write

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ResultEntry:
    """An entry of a region's results stream."""

    region: int
    id: str
    fields: dict[bytes, bytes]


class EntryRecorder:
    """Records what comes next on the streams in parts as large as their faults allow."""

    def __init__(
        self, streams: ResultStreams, directory: MonitorKeys, isolation: Isolation, new_intake: Callable[[], Intake]
    ) -> None:
        self._streams = streams
        self._directory = directory
        self._isolation = isolation
        self._new_intake = new_intake

    def record(self, positions: Mapping[int, ReadPosition]) -> bool:
        """Read once behind the positions and write it, moving them; False when nothing came. Raises `Overtaken`."""
        now_ms, entries, cut = self._streams.now_ms(), list[ResultEntry](), self._new_intake()
        for region, found in self._streams.read({key: each.read for key, each in positions.items()}):
            if found.cut_ms is not None:
                cut.cut(region, min(found.cut_ms, found.first_ms, now_ms), min(found.first_ms, now_ms))
            entries += [ResultEntry(region, entry_id, fields) for entry_id, fields in found.entries]
        if cut.missing:
            self._isolation.attempt("gap", lambda: write(cut, {}), None)

        def record(part: Sequence[ResultEntry]) -> None:
            self._write(part, positions, now_ms)

        def bury(entry: ResultEntry, error: Exception) -> None:
            if isinstance(error, Overtaken):
                raise error
            self._bury(entry, error, positions[entry.region], now_ms)

        self._isolation.apply(entries, record, bury)
        self._streams.publish({entry.region: positions[entry.region].read for entry in entries})
        return bool(entries)

    def _write(self, part: Sequence[ResultEntry], positions: Mapping[int, ReadPosition], now_ms: int) -> None:
        intake, moved = self._new_intake(), dict[int, ReadPosition]()
        for entry in part:
            self._streams.hand(intake, entry.region, (entry.id, entry.fields), now_ms)
            moved[entry.region] = ReadPosition(positions[entry.region].recorded, entry.id)
        self._directory.learn(result.monitor for _, result, _ in intake.strangers)
        intake.introduce()
        write(intake, moved)
        for region, reach in moved.items():
            positions[region].recorded = positions[region].read = reach.read

    def _bury(self, entry: ResultEntry, error: Exception, position: ReadPosition, now_ms: int) -> None:
        slug = self._directory.regions.get(entry.region, str(entry.region))
        gap = self._new_intake()
        gap.miss(entry.region, GapReason.UNREADABLE, min(keys.entry_id(entry.id)[0], now_ms))
        letter = entry_of(keys.results(slug), entry.id, entry.fields.get(keys.BODY, b""))
        with transaction.atomic():
            self._isolation.bury("record", slug, error, letter)
            write(gap, {entry.region: ReadPosition(position.recorded, entry.id)})
        position.recorded = position.read = entry.id
