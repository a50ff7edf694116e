"""Messages as their senders sign them, for tests that stand in for regions and for the control plane.

A region's key follows from its name, as in the benchmarks; the control plane's, from VIGIL_SEAL_KEYS.
"""

from __future__ import annotations

import os
import time
from typing import Any, cast

import redis

from consensus.quarantine_list import quarantine_fields
from consensus.verdicts import Quarantine
from probes import keys, wire
from probes.process.liveness import PARTS, signed_mark, write_mark
from probes.process.redis_streams import redis_now_ms
from probes.signing.control_macs import ControlMacs
from probes.signing.envelope import SENDER_BYTES
from probes.signing.private_keys import control_keys_of, control_signing_key, region_signing_key, stream_key
from probes.signing.region_keyring import RESULTS_LIFE_S, STATUS_LIFE_S
from probes.signing.signatures import Signer
from probes.wire import RegionStatus, Result
from tests.streams import add
from vigil.bench.region_keys import simulated_list, simulated_secret, simulated_signer


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def macs() -> ControlMacs:
    """What authenticates the control plane's own messages in this session."""
    return ControlMacs([stream_key(key) for key in os.environ["VIGIL_SEAL_KEYS"].split(",")])


def control_signer() -> Signer:
    """What signs orders in this session."""
    return Signer(control_signing_key(os.environ["VIGIL_SEAL_KEYS"].split(",")[-1]), os.urandom(SENDER_BYTES), now_ms)


def control_public() -> bytes:
    """The public key of what signs orders."""
    return control_signing_key(os.environ["VIGIL_SEAL_KEYS"].split(",")[-1]).public


def worker_environment(region: str) -> dict[str, str]:
    """The keys of a region's worker."""
    return {
        "VIGIL_REGION_KEY": simulated_secret(region),
        "VIGIL_CONTROL_KEYS": control_keys_of(os.environ["VIGIL_SEAL_KEYS"]),
    }


def worker_settings(region: str) -> dict[str, str]:
    """The same as settings that are given."""
    return {name.removeprefix("VIGIL_").lower(): value for name, value in worker_environment(region).items()}


def signing_key(region: str) -> bytes:
    """The public key of a region, for its row."""
    return region_signing_key(simulated_secret(region)).public


def trust(client: redis.Redis, *regions: str) -> None:
    """Publish the keys of these regions and no others, as ingest does."""
    client.set(keys.REGION_KEYS, simulated_list(macs(), regions, redis_now_ms(client)))


def results_entry(region: str, payload: bytes, at_ms: int | None = None) -> dict[bytes, bytes]:
    """The fields of an entry of a region's stream."""
    signer = simulated_signer(region, lambda: now_ms() if at_ms is None else at_ms)
    return {keys.BODY: payload, keys.ENVELOPE: signer.sign(keys.results(region), payload, RESULTS_LIFE_S)}


def report(client: redis.Redis, region: str, *results: Result, entry_id: str = "*") -> str:
    """Write results to a region's stream; returns the entry's id."""
    return add(client, keys.results(region), results_entry(region, wire.encode(list(results))), entry_id)


def status_value(region: str, status: RegionStatus | bytes) -> bytes:
    """A region's status as its key holds it."""
    body = status if isinstance(status, bytes) else wire.encode(status)
    return simulated_signer(region, now_ms).sign(keys.status(region), body, STATUS_LIFE_S) + body


def say_alive(client: redis.Redis, region: str, status: RegionStatus | bytes, ttl_s: int | None = None) -> None:
    """Write a region's status."""
    cast(Any, client).set(keys.status(region), status_value(region, status), ex=ttl_s)


def mark_alive(client: redis.Redis, *parts: str) -> None:
    """Write the marks of these parts of the control plane, or of all, as they do."""
    for part in parts or PARTS:
        write_mark(client, part, macs())


def pass_mark_on(client: redis.Redis, region: str, *parts: str) -> None:
    """Write new marks of these parts, or of all, to a region's key, as dispatch and ingest pass them on."""
    signer, mark = control_signer(), str(time.time_ns()).encode()
    fields = {part: signed_mark(signer, region, part, mark) for part in parts or PARTS}
    client.hset(keys.alive(region), mapping=cast(Any, fields))


def control_entry(stream: str, payload: bytes) -> Any:
    """The fields of an entry that the control plane writes to one of its streams."""
    return {keys.BODY: payload, keys.ENVELOPE: macs().mac(stream, payload, now_ms())}


def hold_quarantines(client: redis.Redis, *quarantines: Quarantine) -> None:
    """Write the regions in quarantine, as consensus does."""
    fields = quarantine_fields(macs(), quarantines, redis_now_ms(client))
    pipe = client.pipeline(transaction=True)
    pipe.delete(keys.QUARANTINED)
    pipe.hset(keys.QUARANTINED, mapping=cast(Any, fields))
    pipe.execute()
