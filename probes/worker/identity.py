"""Identity of a region's worker: its name, its private keys, and whom it takes orders from."""

from __future__ import annotations

from dataclasses import dataclass, field

from probes.seal import Opener, SealError
from probes.signing.private_keys import KeyUnusable, SigningKey, decoded_keys, region_signing_key


class IdentityUnusable(Exception):
    """An identity that cannot be used, in words that say what to do and quote no key."""


@dataclass(frozen=True)
class RegionIdentity:
    """What a worker is to others: it signs and unseals with keys of one secret."""

    region: str
    signing: SigningKey = field(repr=False)
    opener: Opener = field(repr=False)
    #: Public keys of the control plane; orders by any other are refused.
    control_keys: tuple[bytes, ...]


def identity_of(region: str, key: str, control_keys: str) -> RegionIdentity:
    """The identity of these texts; raises IdentityUnusable."""
    try:
        signing, opener = region_signing_key(key), Opener(key, region)
    except (KeyUnusable, SealError):
        raise IdentityUnusable("the private key that `region add` printed: 32 bytes in base64") from None
    try:
        return RegionIdentity(region, signing, opener, decoded_keys(control_keys))
    except KeyUnusable:
        raise IdentityUnusable("the public keys that `region add` printed: base64, separated by commas") from None
