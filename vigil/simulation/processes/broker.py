"""Simulated Redis: streams, leases, statuses, `believed` and queues."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from consensus.process.lease import LEASE_MS
from consensus.verdicts import Belief, Quarantine
from probes.keys import STATUS_TTL_S
from probes.results.unconfirmed import StreamView
from probes.wire import RegionStatus
from vigil.simulation.processes.engine import SimEngine

LAG_MS = 2.0
KEPT_MS = 200_000
#: A crash loses the writes of the last second (AOF, everysec).
UNSYNCED_MS = 1_000


class Away(Exception):
    """Redis does not answer."""


@dataclass(slots=True)
class StreamEntry:
    """A stream entry; `lost` if Redis lost it before it was read."""

    id: tuple[int, int]
    stream: str
    payload: Any
    lost: bool = False

    @property
    def at_ms(self) -> int:
        return self.id[0]


class Reader(Protocol):
    def later(self, delay_ms: float, do: Callable[..., Any], *args: Any) -> None: ...

    def receive(self, entry: StreamEntry) -> None: ...


@dataclass(slots=True)
class SimLease:
    holder: str
    until: float


@dataclass(slots=True)
class SimStreams:
    """Entries by stream, and their subscribers."""

    entries: dict[str, deque[StreamEntry]] = field(default_factory=dict)
    last: dict[str, tuple[int, int]] = field(default_factory=dict)
    readers: dict[str, list[Reader]] = field(default_factory=dict)


class Broker:
    """Every method raises `Away` while Redis is down."""

    def __init__(self, engine: SimEngine) -> None:
        self._engine = engine
        self._streams = SimStreams()
        self._sequence = 0
        self._leases: dict[str, SimLease] = {}
        self._epochs: dict[str, int] = {}
        self._statuses: dict[str, tuple[float, RegionStatus]] = {}
        self._believed: Mapping[str, Belief] | None = None
        self.belief_mark = 0
        self.quarantines: list[Quarantine] = []
        self.on_beliefs: list[Callable[[], None]] = []
        self.on_quarantines: list[Callable[[], None]] = []
        #: Stored position of each result stream; later entries are not trimmed.
        self.stored: dict[str, tuple[int, int]] = {}
        self.mark: int | None = None
        #: Incarnation: a changed number means that connections were lost.
        self.boot = 0
        self.up = True

    def check(self) -> None:
        if not self.up:
            raise Away

    def follow(self, stream: str, reader: Reader) -> None:
        self._streams.readers.setdefault(stream, []).append(reader)

    def append(self, stream: str, payload: Any) -> tuple[int, int]:
        """XADD; subscribers get the entry a moment later. Returns its id."""
        self.check()
        now_ms = self._engine.now_ms
        self._sequence += 1
        entry = StreamEntry((now_ms, self._sequence), stream, payload)
        entries = self._streams.entries.get(stream)
        if entries is None:
            entries = self._streams.entries[stream] = deque()
        entries.append(entry)
        self._streams.last[stream] = entry.id
        stored = self.stored.get(stream)
        while entries[0].id[0] < now_ms - KEPT_MS and (stored is None or entries[0].id < stored):
            entries.popleft()
        for reader in self._streams.readers.get(stream, ()):
            reader.later(LAG_MS, reader.receive, entry)
        return entry.id

    def since(self, stream: str, entry_id: tuple[int, int]) -> list[StreamEntry]:
        """Entries after this id."""
        self.check()
        found = []
        for entry in reversed(self._streams.entries.get(stream, ())):
            if entry.id <= entry_id:
                break
            found.append(entry)
        found.reverse()
        return found

    def view(self, stream: str) -> StreamView:
        """XINFO of a stream."""
        self.check()
        entries = self._streams.entries.get(stream)
        return StreamView(entries[0].id if entries else None, self._streams.last.get(stream, (0, 0)))

    def acquire(self, name: str, holder: str) -> int:
        """Acquire or renew a lease: its epoch, or 0. Epochs grow even after data loss."""
        self.check()
        now = self._engine.now
        held = self._leases.get(name)
        if held is not None and held.until > now and held.holder != holder:
            return 0
        if held is None or held.until <= now:
            self._epochs[name] = max(self._epochs.get(name, 0) + 1, int(now * 1000))
        self._leases[name] = SimLease(holder, now + LEASE_MS)
        return self._epochs[name]

    def report(self, region: str, status: RegionStatus) -> None:
        self.check()
        self._statuses[region] = self._engine.now + STATUS_TTL_S * 1000, status

    def statuses(self) -> dict[str, RegionStatus]:
        self.check()
        now = self._engine.now
        return {region: status for region, (until, status) in self._statuses.items() if until > now}

    def beliefs(self) -> Mapping[str, Belief] | None:
        """All beliefs, or None if incomplete."""
        self.check()
        return self._believed

    def believe(self, beliefs: Mapping[str, Belief], *, whole: bool) -> bool:
        """Change beliefs; without a hash only a `whole` one is written."""
        self.check()
        if self._believed is None and not whole:
            return False
        self._believed = beliefs
        self.belief_mark += 1
        for notify in self.on_beliefs:
            notify()
        return True

    def quarantine(self, quarantines: list[Quarantine]) -> None:
        """Publish the quarantined regions for a successor."""
        self.check()
        if quarantines != self.quarantines:
            self.quarantines = quarantines
            for notify in self.on_quarantines:
                notify()

    def flush(self) -> None:
        """FLUSHALL."""
        self._forget(0)
        self._streams.last.clear()
        self.stored = {}
        self.mark = None
        self._leases.clear()
        self._epochs.clear()
        self._statuses.clear()
        self._believed = None
        self.quarantines = []

    def crash(self) -> None:
        """Crash: down until `restart`, and unsynced writes are lost."""
        self.up = False
        self.boot += 1
        self._forget(self._engine.now_ms - UNSYNCED_MS)

    def trim(self, stream: str) -> None:
        """XTRIM to the newest entry, read or not."""
        entries = self._streams.entries.get(stream, deque())
        while len(entries) > 1:
            entries.popleft().lost = True

    def restart(self) -> None:
        self.up = True

    def _forget(self, from_ms: int) -> None:
        for stream, entries in self._streams.entries.items():
            while entries and entries[-1].at_ms >= from_ms:
                entries.pop().lost = True
            if entries:
                self._streams.last[stream] = entries[-1].id
