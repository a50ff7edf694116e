"""Message authentication codes (MACs) of the control plane's own messages: their writers and readers share a key.

A MAC is keyed BLAKE2b over the place (the key of Redis, and the field where it is a hash), the time and the body.
Layout, big-endian: version (1 byte), key id (4), time in milliseconds since the epoch (8), digest (16). Pure.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Sequence

from probes.reasons import Refusal
from probes.signing.envelope import SKEW_MS

_VERSION = 1
_HEAD = struct.Struct(">B4sQ")
_DIGEST_BYTES = 16
MAC_BYTES = _HEAD.size + _DIGEST_BYTES
#: Letters of a place at most; any user of Redis may write the name of a field.
_PLACE_MOST = 1_000


class ControlMacs:
    """Makes MACs with the last of these keys (32 bytes each) and takes those of all: a new key is known everywhere
    before it is used, once it stands first in the list."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("at least one key")
        self._keys = {_key_id(key): key for key in keys}
        self._own = _key_id(keys[-1])

    def __repr__(self) -> str:
        return "ControlMacs(***)"

    def mac(self, place: str, body: bytes, now_ms: int) -> bytes:
        """The MAC of a body that is written to this place now."""
        head = _HEAD.pack(_VERSION, self._own, now_ms)
        return head + _digest(self._keys[self._own], head, place, body)

    def value(self, place: str, body: bytes, now_ms: int) -> bytes:
        """The MAC and the body in one."""
        return self.mac(place, body, now_ms) + body

    def refusal(
        self, place: str, body: bytes, mac: bytes, now_ms: int, age_most_ms: int | None = None
    ) -> Refusal | None:
        """Why a message is not to be taken; None where it is."""
        if not mac:
            return Refusal.UNSIGNED
        if mac[0] != _VERSION:
            return Refusal.WRONG_VERSION
        if len(mac) != MAC_BYTES:
            return Refusal.MALFORMED
        if len(place) > _PLACE_MOST:
            return Refusal.WRONG_PLACE
        _, key_id, at_ms = _HEAD.unpack_from(mac)
        key = self._keys.get(key_id)
        if key is None:
            return Refusal.UNKNOWN_KEY
        if at_ms > now_ms + SKEW_MS:
            return Refusal.PREMATURE
        if age_most_ms is not None and at_ms < now_ms - age_most_ms:
            return Refusal.EXPIRED
        if not hmac.compare_digest(mac[_HEAD.size :], _digest(key, mac[: _HEAD.size], place, body)):
            return Refusal.FORGED
        return None

    def body(self, place: str, value: bytes, now_ms: int, age_most_ms: int | None = None) -> bytes | Refusal:
        """The body of what `value` made, or why it is not to be taken."""
        body = value[MAC_BYTES:]
        return self.refusal(place, body, value[:MAC_BYTES], now_ms, age_most_ms) or body


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"vigil stream key\0" + key).digest()[:4]


def _digest(key: bytes, head: bytes, place: str, body: bytes) -> bytes:
    named = place.encode()
    return hashlib.blake2b(
        head + len(named).to_bytes(2, "big") + named + body, key=key, digest_size=_DIGEST_BYTES
    ).digest()
