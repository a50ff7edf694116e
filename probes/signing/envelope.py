"""Envelope of a signed message: who signed it, for which place, when and for how long. Pure.

Layout, big-endian: version (1 byte), key id (8), sender (4), sequence (8), life (4, seconds), length of the place (1),
the place, and the Ed25519 signature (64). What is signed is all before the signature, and the SHA-256 of the body. The
sequence is the time in microseconds since the epoch, and grows with each message of one sender; a sender is one
process. The place is the key of Redis that the message is written to.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Final

from probes.reasons import Refusal

ENVELOPE_VERSION: Final = 1
KEY_ID_BYTES, SENDER_BYTES, SIGNATURE_BYTES = 8, 4, 64
PLACE_MOST = 200
#: A clock may be ahead of ours by this much (ms).
SKEW_MS = 300_000

_FIXED = struct.Struct(">B8s4sQIB")
_SEQUENCE_MOST = 2**63
ENVELOPE_BYTES_MOST = _FIXED.size + PLACE_MOST + SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope as it was read; nothing of it is proven until its signature is."""

    key_id: bytes
    sender: bytes
    #: Microseconds since the epoch.
    sequence: int
    life_s: int
    place: str
    #: Everything before the signature.
    head: bytes
    signature: bytes

    @property
    def issued_ms(self) -> int:
        return self.sequence // 1000


def header(key_id: bytes, sender: bytes, sequence: int, life_s: int, place: str) -> bytes:
    """The part of an envelope that is signed. `place` is at most 200 bytes of UTF-8."""
    named = place.encode()
    if len(named) > PLACE_MOST:
        raise ValueError("a place has 200 bytes at most")
    return _FIXED.pack(ENVELOPE_VERSION, key_id, sender, sequence, life_s, len(named)) + named


def signed_bytes(head: bytes, body: bytes) -> bytes:
    """What the signature of an envelope and its body is made over."""
    return b"vigil message\0" + head + hashlib.sha256(body).digest()


def read_envelope(envelope: bytes) -> Envelope | Refusal:
    """An envelope of bytes that any user of Redis may have written, or why it is none."""
    if not envelope:
        return Refusal.UNSIGNED
    if envelope[0] != ENVELOPE_VERSION:
        return Refusal.WRONG_VERSION
    if len(envelope) < _FIXED.size:
        return Refusal.MALFORMED
    _, key_id, sender, sequence, life_s, length = _FIXED.unpack_from(envelope)
    end = _FIXED.size + length
    if len(envelope) != end + SIGNATURE_BYTES or length > PLACE_MOST or sequence >= _SEQUENCE_MOST:
        return Refusal.MALFORMED
    try:
        place = envelope[_FIXED.size : end].decode()
    except UnicodeDecodeError:
        return Refusal.MALFORMED
    return Envelope(key_id, sender, sequence, life_s, place, envelope[:end], envelope[end:])


def split_value(value: bytes) -> tuple[bytes, bytes]:
    """The envelope and the body of a value that holds one after the other; no envelope where there is none."""
    if len(value) < _FIXED.size or value[0] != ENVELOPE_VERSION:
        return b"", value
    end = _FIXED.size + value[_FIXED.size - 1] + SIGNATURE_BYTES
    return value[:end], value[end:]


def time_refusal(envelope: Envelope, now_ms: int, age_most_ms: int | None = None) -> Refusal | None:
    """Why an envelope is not of now: past its life or the given age, or from the future; None where it is."""
    age_ms = now_ms - envelope.issued_ms
    if age_ms < -SKEW_MS:
        return Refusal.PREMATURE
    if age_ms > envelope.life_s * 1000 or (age_most_ms is not None and age_ms > age_most_ms):
        return Refusal.EXPIRED
    return None
