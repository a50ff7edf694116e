"""Keys of the control plane, derived from VIGIL_SEAL_KEYS, and its view of the regions' keys."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

import redis

from probes.process.published_keys import PublishedRegionKeys
from probes.signing.control_macs import ControlMacs
from probes.signing.envelope import SENDER_BYTES
from probes.signing.private_keys import control_keys_of, control_signing_key, stream_key
from probes.signing.signatures import Signer
from vigil.configuration import configuration


@lru_cache(maxsize=1)
def control_macs() -> ControlMacs:
    """What codes the control plane's own messages."""
    return ControlMacs([stream_key(key) for key in configuration().seal_key_list])


def control_signer(now_ms: Callable[[], int]) -> Signer:
    """What signs orders to regions as this process; `now_ms` is the clock of Redis."""
    return Signer(control_signing_key(configuration().seal_key_list[-1]), os.urandom(SENDER_BYTES), now_ms)


def control_keys() -> str:
    """VIGIL_CONTROL_KEYS of the regions' workers: the public keys that orders are signed with, now or soon."""
    return control_keys_of(configuration().seal_keys.get_secret_value())


def published_keys(client: redis.Redis) -> PublishedRegionKeys:
    """The regions' public keys as Redis has them, for one reader."""
    return PublishedRegionKeys(client, control_macs())
