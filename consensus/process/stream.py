"""Redis streams of consensus: results of every region and rounds in; calls and verdicts out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import msgspec
import redis
import structlog
from msgspec.structs import replace

from consensus.admission import admit_round
from consensus.fold import HELD_UP_MS
from consensus.shards import WHOLE, Shard
from consensus.verdicts import Call, Round, Verdict, encode
from probes import keys
from probes.admission import Admitted, Refusal, admit_results
from probes.part_admission import admit_part
from probes.process.dead_letters import DeadLetterMessage, entry_of
from probes.process.key_repair import IDS_AHEAD_MS, delete_future_streams
from probes.process.published_keys import PublishedRegionKeys
from probes.process.redis_client import ReplyTooLarge
from probes.process.redis_streams import Entries, RedisClock, RegionStreams
from probes.process.refusals import Refusals
from probes.wire import Result

log = structlog.get_logger()

#: Entries taken from each stream in one read.
READ_COUNT = 500
#: Results count for this much longer than streams are read again at a start: Redis may have been away (ms).
LATE_MS = 120_000
#: Calls, rounds and verdicts are kept this long for a process that restarts; results, for their slowest reader.
KEEP_MESSAGES_MS = 3_600_000

_RESULTS_PREFIX = keys.results("")
_ROUNDS = keys.ROUNDS.encode()


@dataclass(frozen=True, slots=True)
class Keep:
    """How much of the results streams stays (ms): for consensus to read again, and at most for a slow recorder."""

    replay_ms: int
    most_ms: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """The results of one entry, the region whose stream it came on, and when Redis got it."""

    region: str
    results: Sequence[Result]
    at_ms: int
    #: Monitors of other shards that plainly passed.
    passed: Sequence[str] = ()


class Streams:
    """The Redis side of consensus. Every method raises `redis.RedisError` when Redis is away.

    `behind` says whether the last read left more behind: until it is read, no deadline may be judged. `refusals` counts
    what regions wrote and is not taken. Times are on the clock that regions go by; `clock` knows how far that of the
    server with calls, rounds and verdicts is ahead of it, by which these are numbered and their MACs made.
    """

    def __init__(
        self, client: redis.Redis, published: PublishedRegionKeys, age_most_ms: int, shard: Shard = WHOLE
    ) -> None:
        self._shard = shard
        self._redis = client
        self._published = published
        self._macs = published.macs
        self._age_most_ms = age_most_ms
        self._now_ms = 0
        self._positions: dict[bytes, bytes] = {}
        self.behind = True
        self.clock: RedisClock | None = None
        self.refusals = Refusals()
        #: Results by region since the metrics were last told.
        self.taken: Counter[str] = Counter()
        self._reader = RegionStreams(client, READ_COUNT, self._note_overwritten)
        self._at: tuple[bytes, bytes, dict[bytes, bytes]] | None = None

    @property
    def regions(self) -> list[str]:
        """The regions whose results are read."""
        return [_region_of(name) for name in self._positions if name != _ROUNDS]

    def follow(self, since_ms: int) -> None:
        """Read the rounds, and the results of every region that has a key, from `since_ms` on."""
        self._positions.setdefault(_ROUNDS, self._id_of(_ROUNDS, since_ms))
        for region in self._published.keyring().regions:
            self.follow_region(region, since_ms)

    def follow_region(self, region: str, since_ms: int) -> None:
        self._positions.setdefault(keys.results(region).encode(), f"{since_ms}-0".encode())

    @property
    def _control_ahead_ms(self) -> int:
        return self.clock.control_ahead_ms if self.clock else 0

    def _ahead_ms(self, name: bytes) -> int:
        return self._control_ahead_ms if name == _ROUNDS else 0

    def _id_of(self, name: bytes, at_ms: int) -> bytes:
        """The first id of this time in a stream."""
        return f"{at_ms + self._ahead_ms(name)}-0".encode()

    def repair_ids(self) -> None:
        """Delete streams whose ids are of the far future: their region could not be heard for as long."""
        names = [*self._positions, keys.CALLS.encode(), keys.VERDICTS.encode()]
        for name in delete_future_streams(self._reader.client, names):
            self._note_overwritten(name)

    def _note_overwritten(self, name: bytes) -> None:
        self.refusals.add(_region_of(name), {Refusal.KEY_OVERWRITTEN: 1})

    def repair_positions(self, now_ms: int, since_ms: int) -> None:
        """Read again from `since_ms` where the last id was of the far future: nothing to come has a larger one."""
        for name, position in self._positions.items():
            if keys.entry_id(position)[0] > now_ms + self._ahead_ms(name) + IDS_AHEAD_MS:
                self._positions[name] = self._id_of(name, since_ms)
                self._published.keyring().read_again()

    def tell_refusals(self) -> None:
        """Log what was refused, and count it where `doctor` finds it."""
        self.refusals.write(self._redis)

    def read(self, block_ms: int, now_ms: int) -> Iterator[Round | Arrival]:
        """Wait for messages, then give them. An entry that says that it came later than now has come now."""
        streams = self._reader.read(self._positions, block_ms)
        self.behind = any(self._reader.has_more(name, entries) for name, entries in streams)
        latest_ms = self._now_ms = now_ms + block_ms
        keyring = self._published.keyring()
        for name, entries in streams:
            for entry_id, fields in entries:
                self._at = name, entry_id, fields
                payload = fields.get(keys.BODY, b"")
                if name == _ROUNDS:
                    yield from self._round(payload, fields.get(keys.ENVELOPE, b""))
                else:
                    region, at_ms = _region_of(name), min(keys.entry_id(entry_id)[0], latest_ms)
                    admit = admit_results if self._shard.is_whole else self._admission_of_part(at_ms)
                    admitted = keyring.admit_results(region, fields, latest_ms, self._age_most_ms, admit)
                    if self._shard.is_first:
                        self.refusals.add(region, admitted.refused)
                    self.taken[region] += len(admitted.results)
                    yield Arrival(region, admitted.results, at_ms, admitted.passed)
                self._positions[name] = entry_id

    def _admission_of_part(self, at_ms: int) -> Callable[[bytes, int], Admitted]:
        return partial(admit_part, owns=self._shard.owns, fresh_from_ms=at_ms - HELD_UP_MS)

    def _round(self, payload: bytes, mac: bytes) -> Iterator[Round]:
        refusal = self._macs.refusal(keys.ROUNDS, payload, mac, self._control_ms, self._age_most_ms)
        if refusal is not None:
            self.refusals.add("rounds", {refusal: 1})
            return
        try:
            yield admit_round(payload)
        except msgspec.DecodeError as error:
            log.warning("round.unreadable", bytes=len(payload), error=str(error))

    @property
    def _control_ms(self) -> int:
        return self._now_ms + self._control_ahead_ms

    @property
    def reading(self) -> DeadLetterMessage | None:
        """The entry that `read` gave last, or failed on."""
        if self._at is None:
            return None
        name, entry_id, fields = self._at
        entry = entry_of("", entry_id.decode(), fields.get(keys.BODY, b""))
        return replace(entry, origin=name.decode("utf-8", "replace"))

    def pass_entry(self) -> None:
        """Read on behind the entry that `read` failed on."""
        if self._at is not None:
            self._positions[self._at[0]] = self._at[1]

    def write(self, messages: Iterable[Call | Verdict]) -> None:
        pipe = self._redis.pipeline(transaction=False)
        for message in messages:
            stream = keys.CALLS if isinstance(message, Call) else keys.VERDICTS
            body = encode(message)
            pipe.xadd(stream, {keys.BODY: body, keys.ENVELOPE: self._macs.mac(stream, body, self._control_ms)})
        if len(pipe):
            pipe.execute()

    def trim(self, now_ms: int, keep: Keep) -> None:
        """Drop what every reader is past. Of results, keep what consensus reads again at its start and what the
        recorder has not stored. A recorder that is too far behind loses the oldest, and will record that gap."""
        stored = cast(dict[bytes, bytes], self._redis.hgetall(keys.READERS))
        pipe = self._redis.pipeline(transaction=False)
        kept_from_ms = now_ms + self._control_ahead_ms - KEEP_MESSAGES_MS
        for stream in (keys.CALLS, keys.ROUNDS, keys.VERDICTS):
            pipe.xtrim(stream, minid=f"{kept_from_ms}-0", approximate=True)
        for name in self._positions:
            if name != _ROUNDS:
                position = _readable_id(stored.get(_region_of(name).encode()))
                pipe.xtrim(name, minid=self._trim_to(name, position, now_ms, keep), approximate=True)
        pipe.execute()

    def _trim_to(self, stream: bytes, position: bytes | None, now_ms: int, keep: Keep) -> bytes:
        """The first entry of a results stream that stays. A reader's own position does: while it is there, nothing
        behind it is gone, however long ago the region last wrote."""
        replayed = f"{now_ms - keep.replay_ms}-0".encode()
        oldest_ms = now_ms - keep.most_ms
        if position is None:
            return replayed
        if keys.entry_id(position)[0] < oldest_ms:
            try:
                unread = cast(Entries, self._reader.client.xrange(stream, min=b"(" + position, count=1))
            except ReplyTooLarge:
                return replayed
            if unread and keys.entry_id(unread[0][0])[0] < oldest_ms:
                return f"{oldest_ms}-0".encode()
        return min(position, replayed, key=keys.entry_id)


def _region_of(stream: bytes) -> str:
    return stream.decode("utf-8", "replace").removeprefix(_RESULTS_PREFIX)


def _readable_id(position: bytes | None) -> bytes | None:
    try:
        return position if position is None or keys.entry_id(position) else None
    except ValueError:
        return None
