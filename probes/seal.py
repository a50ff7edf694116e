"""Sealed secrets of a check: only the region that they are meant for can open them, and only for that check.

Sealed box, version 3: one byte version, 32 bytes ephemeral X25519 key, 12 bytes nonce, then ChaCha20-Poly1305 under a
key that HKDF derives from the shared secret and both public keys. Its associated data is the version and the `binding`:
a box that is put on a check of another region, monitor, kind or spec does not open. Version 2 had no binding, and is
refused. A `Sealer` makes many boxes under one ephemeral key, since deriving it costs fifty times what sealing does; its
nonce is a keyed hash of binding and plaintext, so the same secrets of the same check make the same box, and no nonce
serves two messages.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections import OrderedDict
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from probes.message_decoder import MessageDecoder

_VERSION = b"\x03"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_CACHED_BOXES = 16_384
_CACHED_SENDERS = 64
#: Larger boxes, which hold certificates, are opened each time (bytes).
_CACHED_BYTES = 1_024
_decode_secrets: MessageDecoder[dict[str, str]] = MessageDecoder(dict[str, str], 1024 * 1024)


class SealError(Exception):
    """A key or a sealed box that cannot be used. Never quotes either."""


def binding(region: str, monitor: str, kind: str, spec: bytes) -> bytes:
    """What the secrets of a check are bound to, as 32 bytes; `spec` is the encoded configuration they are used with."""
    return hashlib.blake2b(msgspec.msgpack.encode((region, monitor, kind, spec)), digest_size=_KEY_BYTES).digest()


def generate_keypair() -> tuple[str, bytes]:
    """A new private key as base64 text, and its public key as 32 bytes."""
    private = X25519PrivateKey.generate()
    return base64.b64encode(private.private_bytes_raw()).decode(), private.public_key().public_bytes_raw()


def is_sealing_key(public: bytes) -> bool:
    """Whether secrets can be sealed to this public key; some points of the curve have no secret in common with any."""
    try:
        Sealer(public)
    except SealError:
        return False
    return True


class Sealer:
    """Seals to one region's public key, under an ephemeral key of its own; raises SealError when that is no key."""

    def __init__(self, public: bytes) -> None:
        ephemeral = X25519PrivateKey.generate()
        try:
            shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:
            raise SealError("the region's public key is not a usable X25519 key of 32 bytes") from None
        self._sender = ephemeral.public_key().public_bytes_raw()
        self._cipher = ChaCha20Poly1305(_derive(shared, self._sender, public))
        self._nonce_key = os.urandom(_KEY_BYTES)

    def __repr__(self) -> str:
        return "Sealer(***)"

    def seal(self, plaintext: bytes, bound: bytes) -> bytes:
        """Seal bytes to what `binding` gave."""
        nonce = hashlib.blake2b(bound + plaintext, key=self._nonce_key, digest_size=_NONCE_BYTES).digest()
        return _VERSION + self._sender + nonce + self._cipher.encrypt(nonce, plaintext, _VERSION + bound)

    def seal_secrets(self, secrets: Mapping[str, str], bound: bytes) -> bytes:
        """Seal the secrets of a check, by name; no secrets make no box."""
        return self.seal(msgspec.msgpack.encode(dict(secrets), order="sorted"), bound) if secrets else b""


class Opener:
    """Opens what was sealed to one private key (base64); remembers boxes it opened, since checks repeat them."""

    def __init__(self, private_b64: str, region: str = "") -> None:
        try:
            raw = base64.b64decode(private_b64.strip(), validate=True)
            self._private = X25519PrivateKey.from_private_bytes(raw)
        except (binascii.Error, ValueError):
            raise SealError("the region's private key is not 32 bytes in base64") from None
        self.public = self._private.public_key().public_bytes_raw()
        #: The region whose key it is.
        self.region = region
        self._opened: OrderedDict[tuple[bytes, bytes], Mapping[str, str]] = OrderedDict()
        self._ciphers: OrderedDict[bytes, ChaCha20Poly1305] = OrderedDict()

    def __repr__(self) -> str:
        return "Opener(***)"

    def open(self, sealed: bytes, bound: bytes) -> bytes:
        """The plaintext of a box; raises SealError when it is damaged, or meant for another region or check."""
        sender, rest = sealed[1 : 1 + _KEY_BYTES], sealed[1 + _KEY_BYTES :]
        if sealed[:1] != _VERSION:
            raise SealError("another release sealed the check's secrets: this region waits for a new order")
        try:
            return self._cipher(sender).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _VERSION + bound)
        except (ValueError, InvalidTag):
            raise SealError(
                "this region's key does not open the check's secrets, or another check's are here"
            ) from None

    def _cipher(self, sender: bytes) -> ChaCha20Poly1305:
        """The cipher of a sender's key; remembered, since a dispatcher seals everything under one."""
        cipher = self._ciphers.get(sender)
        if cipher is None:
            shared = self._private.exchange(X25519PublicKey.from_public_bytes(sender))
            cipher = self._ciphers[sender] = ChaCha20Poly1305(_derive(shared, sender, self.public))
            if len(self._ciphers) > _CACHED_SENDERS:
                self._ciphers.popitem(last=False)
        return cipher

    def secrets(self, sealed: bytes, bound: bytes) -> Mapping[str, str]:
        """The secrets in a box made by `seal_secrets` for this binding; raises SealError."""
        known = self._opened.get((sealed, bound))
        if known is not None:
            self._opened.move_to_end((sealed, bound))
            return known
        try:
            secrets = _decode_secrets(self.open(sealed, bound))
        except msgspec.DecodeError:
            raise SealError("the box holds no secrets by name") from None
        if len(sealed) > _CACHED_BYTES:
            return secrets
        self._opened[sealed, bound] = secrets
        if len(self._opened) > _CACHED_BOXES:
            self._opened.popitem(last=False)
        return secrets


def _derive(shared: bytes, sender: bytes, recipient: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=sender + recipient, info=b"vigil check secrets").derive(shared)
