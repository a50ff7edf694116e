"""Dispatch bus (Redis): reads calls and verdicts, writes rounds and checks. Raises `redis.RedisError`."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar, cast

import msgspec
import redis
import structlog

from consensus.admission import admit_call, admit_round, admit_verdict
from consensus.quarantine_list import read_quarantines
from consensus.verdicts import Call, Round, Verdict, encode
from probes import keys
from probes.process.dead_letters import DeadLetterStream, entry_of
from probes.process.isolation import Isolation
from probes.process.key_repair import IDS_AHEAD_MS, put_right, refusal
from probes.process.liveness import Liveness
from probes.process.metrics import families
from probes.process.metrics.counts import ProcessCounts
from probes.process.redis_streams import Entries, RedisClock, read_streams
from probes.process.refusals import Refusals
from probes.process.region_statuses import read_statuses
from probes.queue.sender import QueueUnavailable, RegionQueues
from probes.wire import WIRE_VERSION, Batch, Check, Lane, RegionStatus
from vigil.control_keys import control_macs, control_signer, published_keys
from vigil.deadletters.record import LetterSource
from vigil.dispatch.core.schedule import LEAD_MS, SECOND_MS

log = structlog.get_logger()

BATCH_SIZE = 200
READ_COUNT = 500
SHARES_KEPT_S = 60
#: Calls, rounds and verdicts of the last minutes are read at a start.
AGE_MOST_MS = 300_000

Message = TypeVar("Message")


class Bus:
    """Messages to and from consensus and the regions."""

    def __init__(self, client: redis.Redis, queues: RegionQueues, counts: ProcessCounts | None = None) -> None:
        self._counts = counts or ProcessCounts()
        self._redis = client
        self._queues = queues
        self._published = published_keys(client)
        self._positions: dict[bytes, bytes] = {}
        self._macs = control_macs()
        self._refusals = Refusals()
        self._letters = DeadLetterStream(client, self._macs)
        self.isolation = Isolation(LetterSource.DISPATCH, self._letters, _refusal, time.monotonic)
        self.clock = RedisClock(client)

    def sign_of_life(self, part: str) -> Liveness:
        return Liveness(self._redis, part, self._macs, control_signer(self.clock.now_ms))

    def write_letters(self) -> None:
        """Write the dead letters that wait, for ingest to move into the table, and count what was refused."""
        self._letters.flush()
        self._refusals.write(self._redis)

    def put_right(self, error: redis.ResponseError) -> bool:
        """Whether the error came from a key of the wrong type, which is then repaired."""
        return put_right(self._redis, error)

    def start_at(self, since_ms: int) -> None:
        """Read from this time on, on the clock that regions go by."""
        since = self._id_of(since_ms)
        self._positions = {name.encode(): since.encode() for name in (keys.CALLS, keys.VERDICTS)}

    def _id_of(self, at_ms: int) -> str:
        """The first id of this time in the control plane's streams, which may be on a server of its own."""
        return f"{at_ms + self.clock.control_ahead_ms}-0"

    def read(self, block_ms: int) -> Iterator[Call | Verdict]:
        """Wait for calls and verdicts, and return them."""
        latest_ms = self.clock.control_ms() + IDS_AHEAD_MS
        if any(keys.entry_id(position)[0] > latest_ms for position in self._positions.values()):
            # An entry's id was of the far future: nothing that is to come would be read from there.
            self.start_at(self.clock.now_ms())
        for name, entries in read_streams(self._redis, self._positions, READ_COUNT, block_ms):
            decode: Callable[[bytes], Call | Verdict] = admit_call if name == keys.CALLS.encode() else admit_verdict
            for entry_id, fields in entries:
                self._positions[name] = entry_id
                yield from self._decoded(decode, name, fields, entry_id)

    def undecided_rounds(self, since_ms: int) -> list[Round]:
        """Recent rounds without a verdict."""
        since = self._id_of(since_ms)
        rounds = cast(Entries, self._redis.xrange(keys.ROUNDS, min=since))
        verdicts = cast(Entries, self._redis.xrange(keys.VERDICTS, min=since))
        name = keys.VERDICTS.encode()
        decided = {verdict.round for _, fields in verdicts for verdict in self._decoded(admit_verdict, name, fields)}
        opened = [round for _, fields in rounds for round in self._decoded(admit_round, keys.ROUNDS.encode(), fields)]
        return [round for round in opened if round.id not in decided]

    def statuses(self, regions: Collection[str]) -> dict[str, RegionStatus]:
        """Last status of each live region that can be read."""
        found = read_statuses(self._redis, regions, self._published)
        return {region: status for region, status in found.items() if status is not None}

    def quarantined(self) -> frozenset[str] | None:
        """Regions whose votes do not count now; None while Redis does not have all."""
        held = cast(dict[bytes, bytes], self._redis.hgetall(keys.QUARANTINED))
        found = read_quarantines(self._macs, held, self.clock.control_ms())
        return None if found is None else frozenset(one.region for one in found)

    def waiting_batches(self, regions: Collection[str]) -> dict[str, int]:
        """Waiting batches of scheduled checks in each region's queue."""
        names = sorted(regions)
        pipe = self._redis.pipeline(transaction=False)
        for region in names:
            pipe.llen(keys.celery_prefix(region) + keys.queue(region, Lane.SCHEDULED))
        return dict(zip(names, cast(list[int], pipe.execute()), strict=True))

    def publish_shares(self, shares: Mapping[str, float]) -> None:
        """Publish for a minute which regions get less than all scheduled checks."""
        pipe = self._redis.pipeline(transaction=True)
        pipe.delete(keys.SHARES)
        if shares:
            now_ms = self.clock.control_ms()
            held = {
                region: self._macs.value(f"{keys.SHARES}/{region}", f"{share:.3f}".encode(), now_ms)
                for region, share in shares.items()
            }
            pipe.hset(keys.SHARES, mapping=cast(Any, held))
            pipe.expire(keys.SHARES, SHARES_KEPT_S)
        pipe.execute()

    def announce(self, rounds: Iterable[Round]) -> None:
        now_ms = self.clock.control_ms()
        pipe = self._redis.pipeline(transaction=False)
        causes: Counter[tuple[str, ...]] = Counter()
        for round in rounds:
            causes[(round.cause.value,)] += 1
            body = encode(round)
            pipe.xadd(keys.ROUNDS, {keys.BODY: body, keys.ENVELOPE: self._macs.mac(keys.ROUNDS, body, now_ms)})
        if len(pipe):
            pipe.execute()
            self._counts.add_each(families.ROUNDS_OPENED, causes)

    def forget(self, monitors: Collection[str], regions: Collection[str]) -> None:
        """Delete the latest results of monitors no longer watched."""
        pipe = self._redis.pipeline(transaction=False)
        for region in regions:
            pipe.hdel(keys.latest(region), *monitors)
        if len(pipe):
            pipe.execute()

    def send(self, lane: Lane, checks: Iterable[tuple[str, Check]], expires_s: float) -> int:
        """Send (region, check) pairs in batches; returns their number. Raises `QueueUnavailable`."""
        by_region: defaultdict[str, list[Check]] = defaultdict(list)
        for region, check in checks:
            by_region[region].append(check)
        sent = 0
        for region, orders in by_region.items():
            for start in range(0, len(orders), BATCH_SIZE):
                batch = Batch(WIRE_VERSION, region, lane, orders[start : start + BATCH_SIZE])
                self._queues.send(batch, expires_s)
                sent += len(batch.checks)
                self._count(batch)
        return sent

    def _count(self, batch: Batch) -> None:
        self._counts.add(families.CHECKS_SENT, batch.region, batch.lane.value, by=len(batch.checks))
        if batch.lane is Lane.SCHEDULED:
            due_ms = batch.checks[0].at_ms // SECOND_MS * SECOND_MS - LEAD_MS
            self._counts.observe(families.SCHEDULE_LAG, (self.clock.now_ms() - due_ms) / 1000)

    def _decoded(
        self, decode: Callable[[bytes], Message], name: bytes, fields: dict[bytes, bytes], entry_id: bytes = b""
    ) -> Iterator[Message]:
        payload = fields.get(keys.BODY)
        if payload is None:
            return
        origin = name.decode("utf-8", "replace")
        mac = fields.get(keys.ENVELOPE, b"")
        refusal = self._macs.refusal(origin, payload, mac, self.clock.control_ms(), AGE_MOST_MS)
        if refusal is not None:
            self._refusals.add(origin.removeprefix(keys.PREFIX), {refusal: 1})
            return

        def read() -> Message | None:
            try:
                return decode(payload)
            except msgspec.DecodeError as error:
                log.warning("message.unreadable", stream=origin, error=str(error))
                return None

        # A call asks for a round whenever it is read; a round or a verdict of then is over.
        stream = origin if origin == keys.CALLS else ""
        letter = entry_of(stream, entry_id.decode("ascii", "replace"), payload)
        message = self.isolation.entry("decode", origin, read, letter)
        if message is not None:
            yield message


def _refusal(error: BaseException) -> str:
    """In words, which server is away: Redis, also where it is asked as a queue."""
    if isinstance(error, QueueUnavailable):
        return (error.__cause__ and refusal(error.__cause__)) or f"Redis: {error}"
    return refusal(error)
