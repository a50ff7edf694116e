"""Authentication codes of the control plane's own messages: keyed BLAKE2b, since its writers and readers share a key.

Layout of a code, big-endian: version (1 byte), key id (4), time in milliseconds since the epoch (8), code (16). It is
made over the place (the key of Redis, and the field where it is a hash), the time and the body. Pure.
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
_CODE_BYTES = 16
CODE_BYTES = _HEAD.size + _CODE_BYTES
#: Letters of a place at most; the name of a field may be written by anybody.
_PLACE_MOST = 1_000


class ControlMacs:
    """Makes codes with the last of these keys (32 bytes each) and takes those of all: a new key is known everywhere
    before it is used, once it stands first in the list."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("at least one key")
        self._keys = {_key_id(key): key for key in keys}
        self._own = _key_id(keys[-1])

    def __repr__(self) -> str:
        return "ControlMacs(***)"

    def code(self, place: str, body: bytes, now_ms: int) -> bytes:
        """The code of a body that is written to this place now."""
        head = _HEAD.pack(_VERSION, self._own, now_ms)
        return head + _code(self._keys[self._own], head, place, body)

    def value(self, place: str, body: bytes, now_ms: int) -> bytes:
        """The code and the body in one."""
        return self.code(place, body, now_ms) + body

    def refusal(
        self, place: str, body: bytes, code: bytes, now_ms: int, age_most_ms: int | None = None
    ) -> Refusal | None:
        """Why a message is not to be taken; None where it is."""
        if not code:
            return Refusal.UNSIGNED
        if code[0] != _VERSION:
            return Refusal.WRONG_VERSION
        if len(code) != CODE_BYTES:
            return Refusal.MALFORMED
        if len(place) > _PLACE_MOST:
            return Refusal.WRONG_PLACE
        _, key_id, at_ms = _HEAD.unpack_from(code)
        key = self._keys.get(key_id)
        if key is None:
            return Refusal.UNKNOWN_KEY
        if at_ms > now_ms + SKEW_MS:
            return Refusal.PREMATURE
        if age_most_ms is not None and at_ms < now_ms - age_most_ms:
            return Refusal.EXPIRED
        if not hmac.compare_digest(code[_HEAD.size :], _code(key, code[: _HEAD.size], place, body)):
            return Refusal.FORGED
        return None

    def body(self, place: str, value: bytes, now_ms: int, age_most_ms: int | None = None) -> bytes | Refusal:
        """The body of what `value` made, or why it is not to be taken."""
        body = value[CODE_BYTES:]
        return self.refusal(place, body, value[:CODE_BYTES], now_ms, age_most_ms) or body


def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"vigil stream key\0" + key).digest()[:4]


def _code(key: bytes, head: bytes, place: str, body: bytes) -> bytes:
    named = place.encode()
    return hashlib.blake2b(
        head + len(named).to_bytes(2, "big") + named + body, key=key, digest_size=_CODE_BYTES
    ).digest()
