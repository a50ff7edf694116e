"""Contents of a backup: its manifest, and the keys that open what is in the database. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

VERSION = 1
#: Bytes of the manifest and of the keys, at most.
SMALL_BYTES_MOST = 1_000_000

Name = Annotated[str, Meta(max_length=200)]


class Unusable(Exception):
    """A file that is no whole, unaltered backup, or that this installation cannot take; one line that says why."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup holds. `rows` are counted in the snapshot that was dumped; `migrations` are those applied."""

    version: int
    made_at: Name
    release: Name
    postgresql: Annotated[int, Meta(ge=1, le=1000)]
    dump_bytes: Annotated[int, Meta(ge=0)]
    dump_sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    rows: Annotated[dict[Name, int], Meta(max_length=1000)]
    migrations: Annotated[list[Name], Meta(max_length=5000)]
    #: By which the keys that opened its secrets are recognised, whether or not they are in the file.
    seal_keys: Annotated[list[Name], Meta(max_length=100)]
    has_keys: bool


class Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Secrets without which the database cannot be used; `local` are those of `up`'s own data folder, if any."""

    secret_key: Annotated[str, Meta(max_length=10_000)]
    seal_keys: Annotated[str, Meta(max_length=10_000)]
    local: Annotated[str, Meta(max_length=500_000)] = ""

    def __repr__(self) -> str:
        return "Keys(***)"


def decoded_manifest(encoded: bytes) -> Manifest:
    """Raises Unusable."""
    try:
        manifest = msgspec.json.decode(encoded, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unusable("its list of contents cannot be read: it is damaged, or of a newer release") from None
    if manifest.version != VERSION:
        raise Unusable(f"it has version {manifest.version}, and this release reads {VERSION}")
    return manifest


def fingerprint(key: str) -> str:
    """The name of a random key, which tells nothing of it."""
    return hashlib.sha256(b"vigil: name of a key\0" + key.encode()).hexdigest()[:16]


def fingerprints(keys: Iterable[str]) -> list[str]:
    return [fingerprint(key.strip()) for key in keys if key.strip()]


def why_not_here(manifest: Manifest, server_major: int, known_migrations: Iterable[str]) -> str:
    """Why this server and this release cannot take a backup; empty when they can."""
    if manifest.postgresql > server_major:
        return f"it is of PostgreSQL {manifest.postgresql}, and the server is {server_major}: restore into a newer one"
    unknown = sorted(set(manifest.migrations) - set(known_migrations))
    if unknown:
        return f"it was made by a newer release ({manifest.release}, with {unknown[0]}): restore it with that one"
    return ""


def differing_tables(wanted: Mapping[str, int], found: Mapping[str, int]) -> list[str]:
    """Tables whose rows are not those of the snapshot, in words."""
    names = [name for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name)]
    return [f"{name} ({wanted.get(name, 0)} before, {found.get(name, 0)} now)" for name in names]
