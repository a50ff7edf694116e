"""A file that was cut, altered or made by another is refused before anything is restored."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from vigil.backup.archive import KEYS, MANIFEST, BackupFile, written
from vigil.backup.core.contents import (
    VERSION,
    Keys,
    Manifest,
    Unusable,
    decoded_manifest,
    differing_tables,
    fingerprint,
    why_not_here,
)
from vigil.backup.restoring import read_backup
from vigil.backup.sealing import sealed

PASSPHRASE, DUMP = "obviously not secret", b"rows of a database " * 100_000
KEPT = Keys("secret", "seal")
MANIFEST_OF_DUMP = Manifest(
    version=VERSION,
    made_at="2026-11-30T12:00:00Z",
    release="0.1.0",
    postgresql=18,
    dump_bytes=len(DUMP),
    dump_sha256=hashlib.sha256(DUMP).hexdigest(),
    rows={"monitors_monitor": 3},
    migrations=["monitors.0001_initial"],
    seal_keys=[fingerprint("seal")],
    has_keys=True,
)


@pytest.fixture(scope="module")
def keys() -> bytes:
    return sealed(KEPT, PASSPHRASE, msgspec.json.encode(MANIFEST_OF_DUMP))


@pytest.fixture
def file(tmp_path: Path, keys: bytes) -> Path:
    with written(tmp_path / "vigil.backup") as backup:
        for start in range(0, len(DUMP), 1_000_000):
            backup.write_dump(DUMP[start : start + 1_000_000])
        backup.finish(msgspec.json.encode(MANIFEST_OF_DUMP), keys)
    return tmp_path / "vigil.backup"


def test_what_was_written_is_read_again(file: Path) -> None:
    backup, keys = read_backup(file, PASSPHRASE)
    assert keys == KEPT and backup.manifest == MANIFEST_OF_DUMP
    assert b"".join(backup.dump()) == DUMP
    with tarfile.open(file) as plain:
        assert [member.name for member in plain] == ["database.dump", "manifest.json", "keys.json"]


def test_without_the_passphrase_the_database_alone_is_read(file: Path) -> None:
    assert read_backup(file, "")[1] is None
    with pytest.raises(Unusable, match="passphrase is wrong"):
        read_backup(file, "another passphrase")


def flip(place: Callable[[bytes], int]) -> Callable[[Path], None]:
    def alter(file: Path) -> None:
        content = bytearray(file.read_bytes())
        content[place(bytes(content))] ^= 1
        file.write_bytes(content)

    return alter


def cut(bytes_left: Callable[[int], int]) -> Callable[[Path], None]:
    def alter(file: Path) -> None:
        file.write_bytes(file.read_bytes()[: bytes_left(file.stat().st_size)])

    return alter


def become_another(file: Path) -> None:
    file.write_bytes(b"PK\x03\x04" * 1_000)


def forge_dump(file: Path) -> None:
    """Another dump, with a manifest that agrees: a thief of the file needs no passphrase for that."""
    keys = BackupFile(file).keys
    other = DUMP[::-1]
    forged = msgspec.structs.replace(MANIFEST_OF_DUMP, dump_sha256=hashlib.sha256(other).hexdigest())
    with written(file) as backup:
        backup.write_dump(other)
        backup.finish(msgspec.json.encode(forged), keys)


ALTERED: dict[str, Callable[[Path], None]] = {
    "a byte of the dump": flip(lambda content: 600_000),
    "a byte of the list of contents": flip(lambda content: content.index(b'"rows"') + 1),
    "a count in the list of contents": flip(lambda content: content.index(b'monitor":3') + 9),
    "a byte of the keys": flip(lambda content: content.index(b'"box":"') + 20),
    "cut in the dump": cut(lambda size: size // 2),
    "cut before the keys": cut(lambda size: size - 3_000),
    "nothing left": cut(lambda size: 0),
    "another kind of file": become_another,
    "another dump with its own list": forge_dump,
}


@pytest.mark.parametrize("alter", ALTERED.values(), ids=ALTERED)
def test_a_file_that_is_not_what_was_written_is_refused(file: Path, alter: Callable[[Path], None]) -> None:
    alter(file)
    with pytest.raises(Unusable):
        read_backup(file, PASSPHRASE)


def test_a_part_that_claims_to_be_huge_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    with tarfile.open(path, "w") as archive:
        for name in ("database.dump", MANIFEST, KEYS):
            member = tarfile.TarInfo(name)
            member.size = 2_000_000 if name == MANIFEST else 0
            with open("/dev/zero", "rb") as zeros:
                archive.addfile(member, zeros)
    with pytest.raises(Unusable, match="larger"):
        BackupFile(path)


def test_a_file_that_could_not_be_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no room"), written(tmp_path / "vigil.backup") as backup:
        backup.write_dump(DUMP)
        raise OSError("no room")
    assert list(tmp_path.iterdir()) == []


def test_an_older_server_and_a_newer_release_are_named() -> None:
    known = ["monitors.0001_initial", "monitors.0002_more"]
    assert why_not_here(MANIFEST_OF_DUMP, 18, known) == ""
    assert "PostgreSQL 18" in why_not_here(MANIFEST_OF_DUMP, 17, known)
    assert "newer release" in why_not_here(MANIFEST_OF_DUMP, 18, [])


def test_a_manifest_of_another_version_is_refused() -> None:
    later = msgspec.structs.replace(MANIFEST_OF_DUMP, version=VERSION + 1)
    with pytest.raises(Unusable, match="version"):
        decoded_manifest(msgspec.json.encode(later))


def test_tables_that_differ_are_named() -> None:
    assert differing_tables({"a": 1, "b": 2}, {"a": 1, "b": 3}) == ["b (2 before, 3 now)"]
    assert differing_tables({"a": 1}, {"a": 1}) == []


def test_no_key_is_shown() -> None:
    assert "seal" not in repr(KEPT) and "seal" not in fingerprint("seal")
