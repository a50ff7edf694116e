"""The messages between control plane, region workers and consensus: frozen, versioned, golden-tested.

All times are integers: `_ms` since the Unix epoch (UTC) for instants, `_us` for durations.
Structs travel as MessagePack arrays, so fields are only ever appended, each with a default.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID, uuid5

import msgspec

from probes.reasons import Reason, Status

WIRE_VERSION = 1

#: Namespace of check ids; never changes, since two dispatchers must derive the same ids.
CHECK_NAMESPACE = UUID("5f0c7a52-3a86-5d0e-9a53-64f2c1d0a6b1")

#: Longest text a prober may put into a result (characters).
DETAIL_LIMIT = 240

Fact = str | int | float | bool


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

    v: int
    monitor: str
    kind: str
    at_ms: int
    expires_ms: int
    timeout_ms: int
    spec: msgspec.Raw
    sealed: bytes = b""
    round: str = ""
    look: int = 0
    soft_ms: int = 0
    revision: int = 0
    #: What is looked at, so that one target takes only its part of a region; empty: not known.
    target: str = ""
    #: The distance of the slots (ms), so that a region can go on by itself; 0: this check is for once.
    every_ms: int = 0


class Batch(msgspec.Struct, frozen=True, array_like=True):
    """The checks of one region and lane that are due in the same second; the argument of one Celery task."""

    v: int
    region: str
    lane: Lane
    checks: list[Check]


class Phases(msgspec.Struct, frozen=True, array_like=True):
    """Where the time of a check went, in microseconds; 0 where a phase was not reached or does not apply."""

    dns_us: int = 0
    connect_us: int = 0
    tls_us: int = 0
    first_byte_us: int = 0
    total_us: int = 0


class Result(msgspec.Struct, frozen=True, array_like=True):
    """What one check saw. The region is not a field: it is the stream the result came on.

    `started_ms` is on the clock of Redis (the worker corrects its own by the measured offset).
    `attempts` counts the connections tried; `code` is the protocol's own status code, or 0.
    """

    v: int
    monitor: str
    at_ms: int
    status: Status
    reason: Reason
    started_ms: int
    phases: Phases
    round: str = ""
    look: int = 0
    attempts: int = 1
    code: int = 0
    detail: str = ""
    facts: dict[str, Fact] = {}
    revision: int = 0


class RegionStatus(msgspec.Struct, frozen=True, array_like=True):
    """A region's sign of life, kept under its key for 45 s.

    `clock_offset_ms` is the worker's clock minus that of Redis; `queue_age_ms` the age of the oldest check it holds;
    `completed_ms` when it last finished a check; `boot` names the process, so that a restart can be seen. Of its
    `anchors`, which its operator set, `anchors_failing` could not be reached when it last looked. `alone` says that it
    hears of no dispatcher and goes on by its last orders, `kept` how many results of such a time it still has to bring.
    """

    v: int
    at_ms: int
    clock_offset_ms: int
    queue_age_ms: int
    in_flight: int
    completed_ms: int
    boot: str
    release: str
    public_key: bytes = b""
    egress: str = "public"
    anchors: int = 0
    anchors_failing: int = 0
    alone: bool = False
    kept: int = 0

    @property
    def is_adrift(self) -> bool:
        """Whether most anchors fail: the region's own network is at fault, whatever its targets seem to do."""
        return 2 * self.anchors_failing > self.anchors


def check_id(monitor: str, region: str, at_ms: int, round_id: str = "", look: int = 0) -> UUID:
    """The derived id of a check: the same order has the same id, from any sender and however often it is sent."""
    return uuid5(CHECK_NAMESPACE, f"{monitor}\n{region}\n{at_ms}\n{round_id}\n{look}")


_encoder = msgspec.msgpack.Encoder()
_check_decoder = msgspec.msgpack.Decoder(Check)
_batch_decoder = msgspec.msgpack.Decoder(Batch)
_results_decoder = msgspec.msgpack.Decoder(list[Result])
_result_decoder = msgspec.msgpack.Decoder(Result)
_status_decoder = msgspec.msgpack.Decoder(RegionStatus)


def encode(message: Check | Batch | Result | RegionStatus | Sequence[Result]) -> bytes:
    """Encode a message, or the results of one stream entry, as MessagePack."""
    return _encoder.encode(message)


def decode_check(payload: bytes) -> Check:
    """Decode one check; raises `msgspec.DecodeError` on anything else."""
    return _check_decoder.decode(payload)


def decode_batch(payload: bytes) -> Batch:
    """Decode a batch; raises `msgspec.DecodeError` on anything else."""
    return _batch_decoder.decode(payload)


def decode_results(payload: bytes) -> list[Result]:
    """Decode the results of one stream entry; raises `msgspec.DecodeError` on anything else."""
    return _results_decoder.decode(payload)


def decode_result(payload: bytes) -> Result:
    """Decode one result; raises `msgspec.DecodeError` on anything else."""
    return _result_decoder.decode(payload)


def decode_status(payload: bytes) -> RegionStatus:
    """Decode a region's status; raises `msgspec.DecodeError` on anything else."""
    return _status_decoder.decode(payload)
