"""Keys of regions and of the control plane: each has one secret, from which its keys are derived. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from probes.signing.envelope import KEY_ID_BYTES

PUBLIC_BYTES = 32
_SECRET_BYTES = 32


class KeyUnusable(Exception):
    """A key that cannot be used. Never quotes it."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private Ed25519 key, its public key (32 bytes), and the id by which an envelope names it."""

    private: Ed25519PrivateKey = field(repr=False)
    public: bytes
    key_id: bytes

    @classmethod
    def derived(cls, secret: bytes, purpose: bytes) -> SigningKey:
        """The key of a secret for one purpose; the same secret gives the same key."""
        private = Ed25519PrivateKey.from_private_bytes(_derived(secret, b"vigil signs " + purpose))
        public = private.public_key().public_bytes_raw()
        return cls(private, public, key_id_of(public))


def region_signing_key(secret_b64: str) -> SigningKey:
    """The signing key of a region, from the private key that it also unseals with; raises KeyUnusable."""
    return SigningKey.derived(decoded_key(secret_b64), b"results")


def control_signing_key(seal_key: str) -> SigningKey:
    """The signing key of the control plane that belongs to one of VIGIL_SEAL_KEYS; raises KeyUnusable."""
    return SigningKey.derived(_fernet_bytes(seal_key), b"checks")


def control_keys_of(seal_keys: str) -> str:
    """VIGIL_CONTROL_KEYS of the workers, for VIGIL_SEAL_KEYS of the control plane; raises KeyUnusable."""
    found = [control_signing_key(key) for key in seal_keys.split(",") if key.strip()]
    return ",".join(encoded_key(key.public) for key in found)


def stream_key(seal_key: str) -> bytes:
    """The key (32 bytes) of the control plane's own messages that belongs to one of VIGIL_SEAL_KEYS."""
    return _derived(_fernet_bytes(seal_key), b"vigil streams")


def stream_keys_of(seal_keys: str) -> str:
    """VIGIL_STREAM_KEYS of consensus, for VIGIL_SEAL_KEYS of the control plane; raises KeyUnusable."""
    return ",".join(encoded_key(stream_key(key)) for key in seal_keys.split(",") if key.strip())


def key_id_of(public: bytes) -> bytes:
    return hashlib.sha256(b"vigil key\0" + public).digest()[:KEY_ID_BYTES]


def encoded_key(raw: bytes) -> str:
    """A key of 32 bytes as text."""
    return base64.b64encode(raw).decode()


def decoded_key(text: str) -> bytes:
    """The 32 bytes of a key written in base64; raises KeyUnusable."""
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise KeyUnusable("a key is 32 bytes in base64") from None
    if len(raw) != _SECRET_BYTES:
        raise KeyUnusable("a key is 32 bytes in base64")
    return raw


def decoded_keys(text: str) -> tuple[bytes, ...]:
    """Keys separated by commas; raises KeyUnusable."""
    return tuple(decoded_key(part) for part in text.split(",") if part.strip())


def _fernet_bytes(seal_key: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(seal_key.strip())
    except (binascii.Error, ValueError):
        raise KeyUnusable("a seal key is 32 bytes in URL-safe base64") from None


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _SECRET_BYTES, salt=None, info=purpose).derive(secret)
