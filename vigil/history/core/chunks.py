"""Chunks: a few seconds of results of one region, hour and shard, until packed. Pure."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from probes.admission import admit_latest
from probes.reasons import Reason, Status
from probes.wire import DETAIL_LIMIT, Result

#: Monitors with neighbouring keys share a shard, so reading one of them stays small.
SHARD = 1024
_FAST = 1
_MONITOR_BYTES, _ENTRY_BYTES = 4, 8
_BYTES = _MONITOR_BYTES + _ENTRY_BYTES
#: Results without details beyond status and reason.
_PLAIN = frozenset({Reason.MISSED, Reason.SKIPPED})
#: Failures kept in full per chunk; an hour keeps fewer (see `sampled`).
FULL_MOST = 500
#: Failures kept in full per hour: the first ones, and a sample of the rest.
FIRST_KEPT, REST_KEPT = 8, 8
#: A larger result loses its facts, since regions are untrusted.
FULL_BYTES_MOST = 4096

_failures = msgspec.msgpack.Decoder(list[tuple[int, msgspec.Raw]])


def shard_of(monitor: int) -> int:
    return monitor // SHARD


def is_kept_in_full(result: Result) -> bool:
    """Whether a result has details that a packed hour cannot hold."""
    return result.status is not Status.UP and result.reason not in _PLAIN


@dataclass(slots=True)
class ChunkContent:
    """Entries (see `packing`) with their monitors' keys, and full failures among them."""

    monitors: array[int] = field(default_factory=lambda: array("I"))
    entries: array[int] = field(default_factory=lambda: array("Q"))
    failures: list[tuple[int, Result]] = field(default_factory=list)

    def add(self, monitor: int, entry: int, result: Result) -> None:
        self.monitors.append(monitor)
        self.entries.append(entry)
        if result.status is not Status.UP and len(self.failures) < FULL_MOST and is_kept_in_full(result):
            self.failures.append((monitor, result))

    def encoded(self) -> bytes:
        return zlib.compress(_swapped(self.monitors) + _swapped(self.entries), _FAST)

    def encoded_failures(self) -> bytes | None:
        return encode_failures(self.failures)


def decode(payload: bytes) -> Iterator[tuple[int, int]]:
    """Monitors and entries of an encoded chunk."""
    data = zlib.decompress(payload)
    monitors, entries = array("I"), array("Q")
    count = len(data) // _BYTES
    monitors.frombytes(data[: count * _MONITOR_BYTES])
    entries.frombytes(data[count * _MONITOR_BYTES :])
    if sys.byteorder == "big":
        monitors.byteswap()
        entries.byteswap()
    return zip(monitors, entries, strict=True)


def entries_of(payload: bytes, monitor: int) -> list[int]:
    """Entries of one monitor in an encoded chunk, found without decoding the others."""
    data = zlib.decompress(payload)
    count = len(data) // _BYTES
    end, key = count * _MONITOR_BYTES, monitor.to_bytes(_MONITOR_BYTES, "little")
    found = []
    at = data.find(key, 0, end)
    while at >= 0:
        place, off = divmod(at, _MONITOR_BYTES)
        if not off:
            begin = end + place * _ENTRY_BYTES
            found.append(int.from_bytes(data[begin : begin + _ENTRY_BYTES], "little"))
        at = data.find(key, at + 1, end)
    return found


def encode_failures(failures: Sequence[tuple[int, Result]]) -> bytes | None:
    """Encode full failures with their monitors' keys; None when there are none."""
    if not failures:
        return None
    return zlib.compress(msgspec.msgpack.encode([(monitor, _bounded(result)) for monitor, result in failures]), _FAST)


def decode_failures(payload: bytes) -> Sequence[tuple[int, Result]]:
    """Full failures of a chunk or packed hour. Older releases stored anything that came."""
    parts = _failures.decode(zlib.decompress(payload))
    found = ((monitor, admit_latest(bytes(part))) for monitor, part in parts)
    return [(monitor, result) for monitor, result in found if result is not None]


def sampled(failures: Iterable[Result]) -> list[Result]:
    """Sample of an hour's failures: the first few, then those with the lowest slot hash; bounded, in order.

    The choice is deterministic, so re-sampling with late failures equals sampling all at once. Their total is in the
    packed hour.
    """
    by_check = {(one.at_ms, one.look): one for one in sorted(failures, key=lambda one: -one.started_ms)}
    ordered = sorted(by_check)
    rest = sorted(ordered[FIRST_KEPT:], key=lambda check: zlib.crc32(b"%d/%d" % check))
    return [by_check[check] for check in sorted([*ordered[:FIRST_KEPT], *rest[:REST_KEPT]])]


def _bounded(result: Result) -> Result:
    if len(msgspec.msgpack.encode(result)) <= FULL_BYTES_MOST:
        return result
    return msgspec.structs.replace(result, facts={}, detail=result.detail[:DETAIL_LIMIT])


def _swapped(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()
