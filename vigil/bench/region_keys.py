"""Keys of simulated regions: each has the secret that its name gives."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable

from probes.signing.control_macs import ControlMacs
from probes.signing.envelope import SENDER_BYTES
from probes.signing.private_keys import encoded_key, region_signing_key
from probes.signing.region_keyring import published
from probes.signing.signatures import Signer


def simulated_secret(region: str) -> str:
    """The private key of a simulated region."""
    return encoded_key(hashlib.sha256(b"a simulated region " + region.encode()).digest())


def simulated_signer(region: str, now_ms: Callable[[], int]) -> Signer:
    """What signs for a simulated region."""
    return Signer(region_signing_key(simulated_secret(region)), os.urandom(SENDER_BYTES), now_ms)


def simulated_list(macs: ControlMacs, regions: Iterable[str], now_ms: int) -> bytes:
    """The published keys of simulated regions, as `keys.REGION_KEYS` holds them."""
    signing = {region: [region_signing_key(simulated_secret(region)).public] for region in regions}
    return published(macs, signing, now_ms)
