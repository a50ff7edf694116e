"""The file of an enrolled worker: its secret, and all that it got for its code. Only its owner may read it.

It is written twice: with the secret before that is used, so that a worker that is stopped in between tries again with
the same keys, and whole once it is enrolled. Each time it is replaced in one step.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

_BYTES_MOST = 256 * 1024


class FileUnusable(Exception):
    """A file that cannot be read, written or used, in words that say what to do and quote no secret."""


class KeptIdentity(msgspec.Struct, frozen=True):
    """`key` is base64 of 32 bytes, from which the worker's keys follow. Without `region` it is not enrolled yet.

    `code` is the part of the code that is no secret: the same command again changes nothing.
    """

    key: Annotated[str, Meta(max_length=100)]
    code: Annotated[str, Meta(max_length=20)] = ""
    region: Annotated[str, Meta(max_length=40)] = ""
    redis_url: Annotated[str, Meta(max_length=2_000)] = ""
    redis_ca: Annotated[str, Meta(max_length=100_000)] = ""
    control_keys: Annotated[str, Meta(max_length=10_000)] = ""
    control_plane: Annotated[str, Meta(max_length=2_000)] = ""
    revision: int = 0

    def __repr__(self) -> str:
        return f"KeptIdentity({self.region!r}, ***)"


def default_path() -> Path:
    """Where the file is unless it is named."""
    state = os.environ.get("XDG_STATE_HOME")
    try:
        return (Path(state) if state else Path.home() / ".local" / "state") / "vigil" / "identity.json"
    except RuntimeError:
        # A container may run as a number without an account, and without HOME.
        return Path("/var/lib/vigil/identity.json")


def read_kept(path: Path) -> KeptIdentity | None:
    """What the file holds, or None where there is none; raises FileUnusable."""
    try:
        with path.open("rb") as opened:
            if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
                raise FileUnusable(f"others may read {path}, which holds this worker's keys: run `chmod 600 {path}`")
            return msgspec.json.decode(opened.read(_BYTES_MOST), type=KeptIdentity)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileUnusable(f"{path} cannot be read ({error.strerror})") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise FileUnusable(f"{path} is not the file of a worker: name another with --file") from None


def write_kept(path: Path, kept: KeptIdentity) -> None:
    """Replace the file in one step, mode 0600; raises FileUnusable."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
            written.write(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
            written.flush()
            os.fsync(written.fileno())
        new.replace(path)
    except OSError as error:
        raise FileUnusable(f"{path} cannot be written ({error.strerror}): name another with --file") from None
    finally:
        with contextlib.suppress(OSError):
            new.unlink()
