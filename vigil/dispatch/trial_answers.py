"""Answers of trials: what regions wrote to their streams of results, kept in Redis beside the trial."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import cast

import redis

from probes import keys, wire
from probes.admission import admit_trial
from probes.process.connections.split import regions_of
from probes.process.redis_client import ReplyTooLarge
from probes.process.redis_streams import Entries, redis_now_ms
from probes.reasons import Refusal
from vigil.control_keys import control_macs
from vigil.dispatch.core.trials import Came, Trial
from vigil.monitors.live.results import region_client, region_keys

#: Seconds that a trial is kept.
KEPT_S = 300
#: Entries of a stream in one reply, and replies in one turn: what is left is read in the next.
_READ_COUNT, _READS_MOST = 100, 20


def answers_of(client: redis.Redis, trial: Trial, stored: Mapping[bytes, bytes], now_ms: int) -> dict[str, Came]:
    """Every answer so far: those in the trial's hash as it is `stored`, and those that came since."""
    came = {region: answer for region in trial.asked if (answer := _came(trial, stored, (region, now_ms)))}
    waiting = [region for region in trial.asked if region not in came]
    return came | _read(client, trial, waiting, (stored, now_ms)) if waiting else came


def keep(client: redis.Redis, trial: Trial, fields: Mapping[bytes, bytes]) -> None:
    """Keep fields in a trial's hash, which is gone five minutes after its start."""
    name = keys.trial(trial.id)
    pipe = client.pipeline(transaction=True)
    now_ms = redis_now_ms(regions_of(client))
    held = {field: control_macs().value(_place(trial.id, field), body, now_ms) for field, body in fields.items()}
    pipe.hset(name, mapping=held)  # type: ignore[arg-type]
    pipe.expireat(name, trial.started_ms // 1000 + KEPT_S)
    pipe.execute()


def _read(
    client: redis.Redis, trial: Trial, regions: Sequence[str], since: tuple[Mapping[bytes, bytes], int]
) -> dict[str, Came]:
    """Answers of these regions that came since they were last read, kept for who asks next."""
    stored, now_ms = since
    found: dict[str, Came] = {}
    kept: dict[bytes, bytes] = {}
    for region in regions:
        start = open_field(trial.id, _position(region), stored, now_ms) or f"{trial.started_ms - 1}-0".encode()
        answer, position = _search(trial, region, start, now_ms)
        kept[_position(region)] = position
        if answer is not None:
            found[region] = answer
            kept[region.encode()] = f"{answer[1]} ".encode() + wire.encode(answer[0])
    keep(client, trial, kept)
    for region in found:
        # A worker of an earlier release shows it among the results of monitors.
        with contextlib.suppress(redis.ResponseError):
            client.hdel(keys.latest(region), trial.id)
    return found


def _search(trial: Trial, region: str, position: bytes, now_ms: int) -> tuple[Came | None, bytes]:
    """The trial's result in what a region has written behind a position, and the position that it is read to."""
    for _ in range(_READS_MOST):
        entries = _entries(region, position)
        for entry_id, fields in entries:
            position = entry_id
            result = admit_trial(fields.get(keys.BODY, b""), trial.id, now_ms)
            if result is not None and not _refusal(region, fields, now_ms):
                return (result, min(keys.entry_id(entry_id)[0], now_ms)), position
        if len(entries) < _READ_COUNT:
            break
    return None, position


def _refusal(region: str, fields: dict[bytes, bytes], now_ms: int) -> Refusal | None:
    signed = fields.get(keys.BODY, b""), fields.get(keys.ENVELOPE, b"")
    return region_keys().keyring().refusal(region, keys.results(region), signed, now_ms)


def _entries(region: str, position: bytes) -> Entries:
    """The next entries of a region's stream; none where it cannot be read, which consensus sees and mends."""
    for count in (_READ_COUNT, 10, 1):
        try:
            return cast(Entries, region_client().xrange(keys.results(region), min=b"(" + position, count=count))
        except (ReplyTooLarge, redis.ConnectionError):
            # Redis also closes a client whose answer is too large; this raises where it is away.
            region_client().ping()
        except redis.ResponseError:
            break
    return []


def open_field(trial: str, field: bytes, stored: Mapping[bytes, bytes], now_ms: int) -> bytes:
    """What was kept in a field of a trial's hash; empty where it is not there, or not the control plane's."""
    body = control_macs().body(_place(trial, field), stored.get(field, b""), now_ms)
    return b"" if isinstance(body, Refusal) else body


def _place(trial: str, field: bytes) -> str:
    return f"{keys.trial(trial)}/{field.decode('utf-8', 'replace')}"


def _came(trial: Trial, stored: Mapping[bytes, bytes], of: tuple[str, int]) -> Came | None:
    region, now_ms = of
    at_ms, _, payload = open_field(trial.id, region.encode(), stored, now_ms).partition(b" ")
    return (wire.decode_result(payload), int(at_ms)) if payload else None


def _position(region: str) -> bytes:
    return b"read/" + region.encode()
