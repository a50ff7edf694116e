"""The messages between control plane, region workers and consensus: frozen, versioned, golden-tested.

All times are integers: `_ms` since the Unix epoch (UTC) for instants, `_us` for durations.
Structs travel as MessagePack arrays, so fields are only ever appended, each with a default. The bounds of a field are
part of its type: what is beyond them is not decoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid5

import msgspec
from msgspec import Meta

from probes.message_decoder import Count, Instant, Key, MessageDecoder, Micros, Name, Number, Revision, Text
from probes.reasons import Reason, Status

WIRE_VERSION = 1

#: Namespace of check ids; never changes, since two dispatchers must derive the same ids.
CHECK_NAMESPACE = UUID("5f0c7a52-3a86-5d0e-9a53-64f2c1d0a6b1")

#: The id of a trial begins so: a look for a person, whose results are no votes and no history.
TRIAL_PREFIX = "trl_"
#: The kind of a canary.
CANARY_KIND = "canary"
#: The round of a canary's check begins so: it is asked once, has no vote, and the control plane judges its results.
CANARY_PREFIX = "can_"

#: Longest text a prober may put into a result (characters).
DETAIL_LIMIT = 240

#: The facts of a result, and the longest name of one.
FACTS_MOST = 64
FACT_NAME_LIMIT = 100
#: The most that one entry of a results stream may hold; a worker puts 200 results into one.
ENTRY_RESULTS_MOST, ENTRY_BYTES_MOST = 1_000, 4 * 1024 * 1024
RESULT_BYTES_MOST = 64 * 1024
STATUS_BYTES_MOST = 16 * 1024
#: What one worker tells the other of its region at once.
NEWS_BYTES_MOST, NEWS_BATCHES_MOST = 32 * 1024 * 1024, 1_000

Detail = Annotated[str, Meta(max_length=DETAIL_LIMIT)]
Fact = str | int | float | bool
#: JSON has no words for infinity and what is no number, and no column holds longer ones.
BoundedFact = Text | Number | Annotated[float, Meta(ge=-1e300, le=1e300)] | bool
Facts = Annotated[dict[Annotated[str, Meta(max_length=FACT_NAME_LIMIT)], BoundedFact], Meta(max_length=FACTS_MOST)]


class Lane(StrEnum):
    """The two queues of a region; scheduled checks can never block confirming ones."""

    SCHEDULED = "scheduled"
    CONFIRM = "confirm"


class Check(msgspec.Struct, frozen=True, array_like=True):
    """One order: look at this monitor, from this region, at this time.

    `spec` is the prober's own configuration, encoded; `sealed` holds its secrets: see `probes.seal`.
    `round` is empty and `look` 0 for scheduled checks. Not started by `expires_ms`, it is reported as `missed`.
    `soft_ms` > 0 asks for an `overdue` report when no answer has come by then. The slots of a scheduled check are
    `every_ms` apart.
    """

    v: Count
    monitor: Name
    kind: Name
    at_ms: Instant
    expires_ms: Instant
    timeout_ms: Count
    spec: msgspec.Raw
    sealed: bytes = b""
    round: Name = ""
    look: Count = 0
    soft_ms: Count = 0
    revision: Revision = 0
    #: What is looked at, so that one target takes only its part of a region; empty: not known.
    target: Text = ""
    #: The distance of the slots (ms), so that a region can go on by itself; 0: this check is for once.
    every_ms: Instant = 0


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """The checks of one region and lane that are due in the same second; the argument of one Celery task."""

    v: Count
    region: Name
    lane: Lane
    checks: list[Check]


class SignedBatch(msgspec.Struct, frozen=True, array_like=True):
    """A batch as it came from the queue: encoded, and with the envelope in which the control plane signed it."""

    payload: bytes
    envelope: bytes


class StandingNews(msgspec.Struct, frozen=True, array_like=True):
    """What one worker was ordered, told to the other of its region: each batch as the control plane signed it."""

    v: Count
    batches: Annotated[list[SignedBatch], Meta(max_length=NEWS_BATCHES_MOST)]


class Phases(msgspec.Struct, frozen=True, array_like=True):
    """Where the time of a check went, in microseconds; 0 where a phase was not reached or does not apply."""

    dns_us: Micros = 0
    connect_us: Micros = 0
    tls_us: Micros = 0
    first_byte_us: Micros = 0
    total_us: Micros = 0


class Result(msgspec.Struct, frozen=True, array_like=True):
    """What one check saw. The region is not a field: it is the stream the result came on.

    `started_ms` is on the clock of Redis (the worker corrects its own by the measured offset).
    `attempts` counts the connections tried; `code` is the protocol's own status code, or 0.
    """

    v: Count
    monitor: Name
    at_ms: Instant
    status: Status
    reason: Reason
    started_ms: Instant
    phases: Phases
    round: Name = ""
    look: Count = 0
    attempts: Count = 1
    code: Number = 0
    detail: Detail = ""
    facts: Facts = {}
    revision: Revision = 0


class RegionStatus(msgspec.Struct, frozen=True, array_like=True):
    """A region's sign of life, kept under its key for 45 s.

    `clock_offset_ms` is the worker's clock minus that of Redis; `queue_age_ms` the age of the oldest check it holds;
    `completed_ms` when it last finished a check; `boot` names the process, so that a restart can be seen. Of its
    `anchors`, which its operator set, `anchors_failing` could not be reached when it last looked. `alone` says that it
    hears of no dispatcher and goes on by its last orders, `kept` how many results of such a time it still has to bring.
    """

    v: Count
    at_ms: Instant
    clock_offset_ms: Number
    queue_age_ms: Instant
    in_flight: Count
    completed_ms: Instant
    boot: Name
    release: Name
    public_key: Key = b""
    egress: Name = "public"
    anchors: Count = 0
    anchors_failing: Count = 0
    alone: bool = False
    kept: Count = 0
    #: Orders that were refused since the worker began, by cause.
    refused: Annotated[dict[Name, Count], Meta(max_length=32)] = {}

    @property
    def is_adrift(self) -> bool:
        """Whether most anchors fail: the region's own network is at fault, whatever its targets seem to do."""
        return 2 * self.anchors_failing > self.anchors


def check_id(monitor: str, region: str, at_ms: int, round_id: str = "", look: int = 0) -> UUID:
    """The derived id of a check: the same order has the same id, from any sender and however often it is sent."""
    return uuid5(CHECK_NAMESPACE, f"{monitor}\n{region}\n{at_ms}\n{round_id}\n{look}")


def is_trial(round_id: str) -> bool:
    """Whether checks and results of this round are those of a trial."""
    return round_id.startswith(TRIAL_PREFIX)


def is_canary(round_id: str) -> bool:
    """Whether checks and results of this round are those of a canary."""
    return round_id.startswith(CANARY_PREFIX)


_encoder = msgspec.msgpack.Encoder()
#: Each decodes one message, and raises `msgspec.DecodeError` on anything else. Of results see also `probes.admission`.
decode_check: MessageDecoder[Check] = MessageDecoder(Check, 16 * 1024 * 1024)
decode_batch: MessageDecoder[Batch] = MessageDecoder(Batch, 256 * 1024 * 1024)
decode_news: MessageDecoder[StandingNews] = MessageDecoder(StandingNews, NEWS_BYTES_MOST)
decode_result: MessageDecoder[Result] = MessageDecoder(Result, RESULT_BYTES_MOST)
decode_results: MessageDecoder[list[Result]] = MessageDecoder(
    Annotated[list[Result], Meta(max_length=ENTRY_RESULTS_MOST)], ENTRY_BYTES_MOST
)
decode_status: MessageDecoder[RegionStatus] = MessageDecoder(RegionStatus, STATUS_BYTES_MOST)


def encode(message: Check | Batch | StandingNews | Result | RegionStatus | Sequence[Result]) -> bytes:
    """Encode a message, or the results of one stream entry, as MessagePack."""
    return _encoder.encode(message)
