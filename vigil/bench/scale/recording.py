"""Recorded results: batches of all regions for a window ahead, made and signed before it begins.

A simulated region takes more CPU for a result than consensus does. What is made beforehand costs the window nothing but
the sending (`vigil.bench.scale.playback`). The times within, the envelopes and their sequences are those of the window.
A file for each region holds, for each entry, its head (`HEAD`: when to send it in ms since the epoch, results, bytes)
and the commands by which a worker writes it.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

from redis.connection import Connection

from probes import keys, wire
from probes.reasons import Status
from probes.results.forwarder import STREAM_LENGTH
from probes.signing.region_keyring import RESULTS_LIFE_S
from probes.wire import Result
from vigil.bench.region_keys import simulated_signer
from vigil.bench.scale.answers import Answers
from vigil.cli.errors import CommandError
from vigil.dispatch.core.schedule import slots_ms

#: Milliseconds since the epoch, results, bytes.
HEAD = Struct(">QII")
#: There once all files are complete.
COMPLETE = "complete"
#: A recording has at most so many results: about 500 bytes each on disk.
RESULTS_MOST = 20_000_000
#: As a worker's publisher: results of one entry, how long the first waits for others, and how long each does (ms).
BATCH_MOST, LINGER_MS, FLUSH_MS = 500, 200, 20
_TRIED = 10_000
#: Making may take so many times what the trial says, and this long besides (s).
_SLACK, _LEAD_S = 2.5, 5.0


@dataclass(frozen=True, slots=True)
class RecordedLoad:
    """Each of `monitors` (public id and revision) in each region, every `interval_ms`; the last are down from
    `sick_from_ms` after the start on."""

    monitors: Sequence[tuple[str, int]]
    regions: Sequence[str]
    interval_ms: int
    window_ms: int
    sick: frozenset[str]
    sick_from_ms: int

    @property
    def results(self) -> int:
        return len(self.monitors) * len(self.regions) * self.window_ms // self.interval_ms


Recorded = tuple[int, list[Result]]
"""When an entry is to be sent (ms since the epoch), and its results."""


def entries(results: Iterable[tuple[int, Result]]) -> Iterator[Recorded]:
    """Batch results of one region, by their ends (ms), as a worker's publisher does: what fails waits for no other."""
    batch: list[Result] = []
    first_ms = last_ms = 0
    for ended_ms, result in results:
        if batch and ended_ms > first_ms + LINGER_MS:
            yield first_ms + LINGER_MS + FLUSH_MS, batch
            batch = []
        first_ms = first_ms if batch else ended_ms
        batch.append(result)
        last_ms = ended_ms
        if len(batch) == BATCH_MOST or result.status is not Status.UP:
            yield last_ms + FLUSH_MS, batch
            batch = []
    if batch:
        yield last_ms + FLUSH_MS, batch


def results_of(load: RecordedLoad, place: int, start_ms: int) -> list[tuple[int, Result]]:
    """The results of the region at a place in a window from `start_ms` on, with their ends (ms), in order of them."""
    answers = Answers(seed=place)
    window = range(start_ms, start_ms + load.window_ms)
    found = []
    for monitor, revision in load.monitors:
        for at_ms in slots_ms(monitor, load.interval_ms, place, len(load.regions), window):
            is_down = monitor in load.sick and at_ms >= start_ms + load.sick_from_ms
            result = answers.scheduled(monitor, revision, at_ms, is_down)
            found.append((at_ms + result.phases.total_us // 1000, result))
    found.sort(key=lambda pair: pair[0])
    return found


class AheadRecorder:
    """Makes the files of a recording in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pack = Connection().pack_command
        self._at_ms = 0

    def record(self, load: RecordedLoad) -> int:
        """Make it for a window that begins when it is likely to be ready; returns its start (ms since the epoch)."""
        if load.results > RESULTS_MOST:
            raise CommandError(f"a recording has at most {RESULTS_MOST:,} results, and this is {load.results:,}")
        start_ms = int((time.time() + self._foreseen_s(load)) * 1000)
        for place, region in enumerate(load.regions):
            with (self._folder / region).open("wb") as file:
                for part in self._parts(region, entries(results_of(load, place, start_ms))):
                    file.write(part)
        if time.time() * 1000 > start_ms:
            raise CommandError("making the recording took longer than a trial had said: the machine is too busy")
        (self._folder / COMPLETE).touch()
        return start_ms

    def _foreseen_s(self, load: RecordedLoad) -> float:
        """How long making it will take, from a small one (s)."""
        few = RecordedLoad(load.monitors[:_TRIED], load.regions[:1], load.interval_ms, load.window_ms, load.sick, 0)
        took_s = 0.0
        # The first time is of caches that are empty.
        for _ in range(2):
            begun_s = time.monotonic()
            collections.deque(self._parts(load.regions[0], entries(results_of(few, 0, int(time.time() * 1000)))), 0)
            took_s = time.monotonic() - begun_s
        return _LEAD_S + _SLACK * took_s * load.results / max(1, few.results)

    def _parts(self, region: str, recorded: Iterable[Recorded]) -> Iterator[bytes]:
        signer = simulated_signer(region, lambda: self._at_ms)
        stream, latest = keys.results(region), keys.latest(region)
        for at_ms, batch in recorded:
            self._at_ms = at_ms
            payload = wire.encode(batch)
            entry = (keys.BODY, payload, keys.ENVELOPE, signer.sign(stream, payload, RESULTS_LIFE_S))
            added = self._pack("XADD", stream, "MAXLEN", "~", STREAM_LENGTH, "*", *entry)
            fields = (part for result in batch for part in (result.monitor, wire.encode(result)))
            commands = b"".join([*added, *self._pack("HSET", latest, *fields)])
            yield HEAD.pack(at_ms, len(batch), len(commands))
            yield commands
