"""Sealing of the keys in a backup under a passphrase, bound to the manifest of that backup."""

from __future__ import annotations

import os

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from vigil.backup.core.contents import Keys, Unusable

#: Characters of a passphrase.
SHORTEST, LONGEST = 12, 1_000
#: scrypt takes 64 MB and a tenth of a second for each guess.
_COST = 2**16


class SealedKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Keys under a passphrase."""

    salt: bytes
    nonce: bytes
    box: bytes


def sealed(keys: Keys, passphrase: str, manifest: bytes) -> bytes:
    """The keys, to be opened with the same passphrase beside the same manifest only."""
    salt, nonce = os.urandom(16), os.urandom(12)
    box = AESGCM(_key(passphrase, salt)).encrypt(nonce, msgspec.json.encode(keys), manifest)
    return msgspec.json.encode(SealedKeys(salt, nonce, box))


def opened(encoded: bytes, passphrase: str, manifest: bytes) -> Keys:
    """Raises Unusable where the passphrase is another, or manifest or keys were altered."""
    try:
        kept = msgspec.json.decode(encoded, type=SealedKeys)
        plain = AESGCM(_key(passphrase, kept.salt)).decrypt(kept.nonce, kept.box, manifest)
        return msgspec.json.decode(plain, type=Keys)
    except (InvalidTag, ValueError, msgspec.DecodeError):
        raise Unusable("the passphrase is wrong, or the file was altered") from None


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(passphrase.encode())
