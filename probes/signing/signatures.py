"""Signing of messages, and admission of signed ones. Pure: the clock is an argument."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from probes.reasons import Refusal
from probes.signing.envelope import SENDER_BYTES, Envelope, header, read_envelope, signed_bytes, time_refusal
from probes.signing.private_keys import KeyUnusable, SigningKey, key_id_of
from probes.signing.replay import TakenMessages

#: Signed bytes of one message at most.
BODY_MOST = 256 * 1024 * 1024
#: A clock that went back by more than this was put right (µs): sequences follow it, as those of another sender.
_PUT_RIGHT_US = 30_000_000


class Signer:
    """Signs as one process: `sender` is 4 random bytes of its own, `now_ms` the clock of Redis. For any thread."""

    def __init__(self, key: SigningKey, sender: bytes, now_ms: Callable[[], int]) -> None:
        self._key = key
        self._sender = sender
        self._now_ms = now_ms
        self._last = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "Signer(***)"

    def sign(self, place: str, body: bytes, life_s: int) -> bytes:
        """The envelope of a body that is written to this place and holds for `life_s` seconds."""
        with self._lock:
            now_us = self._now_ms() * 1000
            if now_us < self._last - _PUT_RIGHT_US:
                # Sequences that went on from the wrong time would be refused as of the future.
                self._sender = hashlib.sha256(self._sender).digest()[:SENDER_BYTES]
                self._last = 0
            self._last = sequence = max(self._last + 1, now_us)
            head = header(self._key.key_id, self._sender, sequence, life_s, place)
        return head + self._key.private.sign(signed_bytes(head, body))


class TrustedKeys:
    """Public keys (32 bytes each) whose signatures are taken, and what was taken of them. For any thread."""

    def __init__(self, publics: Iterable[bytes]) -> None:
        self._keys: dict[bytes, Ed25519PublicKey] = {}
        self._taken = TakenMessages()
        self._lock = threading.Lock()
        self.trust(publics)

    def trust(self, publics: Iterable[bytes]) -> None:
        """Trust these keys and no others; raises KeyUnusable."""
        try:
            self._keys = {key_id_of(public): Ed25519PublicKey.from_public_bytes(public) for public in publics}
        except ValueError:
            raise KeyUnusable("a public key is 32 bytes of Ed25519") from None

    def refusal(
        self, place: str, body: bytes, envelope: bytes, now_ms: int, age_most_ms: int | None = None
    ) -> Refusal | None:
        """Why a message is not to be taken; None where it is. What costs least is looked at first."""
        if len(body) > BODY_MOST:
            return Refusal.OVERSIZED
        read = read_envelope(envelope)
        if isinstance(read, Refusal):
            return read
        if read.key_id not in self._keys:
            return Refusal.UNKNOWN_KEY
        if read.place != place:
            return Refusal.WRONG_PLACE
        return time_refusal(read, now_ms, age_most_ms) or self._unproven(read, body)

    def take(self, envelope: bytes) -> Refusal | None:
        """Remember a message that `refusal` let pass; REPLAYED where it was taken before."""
        read = read_envelope(envelope)
        if isinstance(read, Refusal):
            return read
        with self._lock:
            if self._taken.is_taken(read.key_id, read.sender, read.sequence):
                return Refusal.REPLAYED
            self._taken.take(read.key_id, read.sender, read.sequence)
        return None

    def read_again(self) -> None:
        """Forget what was taken: it is to be read again."""
        self._taken.forget()

    def _unproven(self, envelope: Envelope, body: bytes) -> Refusal | None:
        try:
            self._keys[envelope.key_id].verify(envelope.signature, signed_bytes(envelope.head, body))
        except InvalidSignature:
            return Refusal.FORGED
        return None
