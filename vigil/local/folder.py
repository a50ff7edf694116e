"""The data folder of an installation on this machine: its lock, its secrets, and what it remembers between starts."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from cryptography.fernet import Fernet

from probes.seal import generate_keypair
from vigil.local.errors import CannotStart

_SOURCE = Path(__file__).resolve().parents[2]
#: The source checkout that this code runs from; None when it is installed from a wheel, or copied into an image.
CHECKOUT = _SOURCE if (_SOURCE / "manage.py").exists() else None
_LOCK = "lock"
TARGETS_FILE = "metrics-targets.json"
SECRETS_FILE = "secrets.json"
_STATE = "state.json"
_SETTINGS = "settings.json"
#: Of VIGIL_ names, those that say where this process is, not what the installation is like.
_NO_SETTINGS = frozenset({"VIGIL_DATA_DIR", "VIGIL_VENV"})


class AlreadyRunning(CannotStart):
    """Another process holds this folder."""


@dataclass(frozen=True)
class LocalSecrets:
    """The generated secrets of an installation. `region_keys` maps a region to its worker's private key (base64)."""

    secret_key: str = field(repr=False)
    seal_keys: str = field(repr=False)
    database_password: str = field(repr=False)
    redis_password: str = field(repr=False)
    region_keys: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class StoredState:
    """What is remembered between starts, so that addresses stay the same when they can."""

    pid: int = 0
    address: str = ""
    web_port: int = 0
    postgres_port: int = 0
    redis_port: int = 0
    ping_redis_port: int = 0
    ping_port: int = 0


def chosen_path(asked: str | None = None) -> Path:
    """The data folder: `asked`, else VIGIL_DATA_DIR, else the checkout's .vigil, else ~/.local/share/vigil."""
    named = asked or os.environ.get("VIGIL_DATA_DIR")
    if named:
        return Path(named).expanduser().absolute()
    if CHECKOUT:
        return CHECKOUT / ".vigil"
    return Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser().absolute() / "vigil"


class DataFolder:
    """A data folder that only this process holds, until `release` or the end of the process."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def claim(cls, path: Path) -> Self:
        """Make the folder if needed and hold it; raises AlreadyRunning, or CannotStart when it cannot be written."""
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Root's PostgreSQL runs as another account, which must pass through here; the files stay closed to it.
            path.chmod(0o711 if os.geteuid() == 0 else 0o700)
            lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CannotStart(
                f"cannot write to the data folder {path} ({error.strerror}): "
                "name another with --data-dir or VIGIL_DATA_DIR"
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise AlreadyRunning(_who_runs(path)) from None
        return cls(path, lock)

    def release(self) -> None:
        """Let go of the folder."""
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def secrets(self, regions: tuple[str, ...] = ()) -> LocalSecrets:
        """The secrets of this installation, made the first time, with a key for each of `regions`."""
        path = self.path / SECRETS_FILE
        if not path.exists() and (self.path / "postgres").exists():
            raise CannotStart(
                f"{path} is missing, and the database in this folder opens only with it: restore the file"
            )
        known = _new_secrets() if not path.exists() else LocalSecrets(**_read_object(path))
        missing = {region: generate_keypair()[0] for region in regions if region not in known.region_keys}
        complete = replace(known, region_keys={**known.region_keys, **missing})
        if missing or not path.exists():
            write_private(path, json.dumps(asdict(complete), indent=1))
        return complete

    def state(self) -> StoredState:
        """What the last start remembered; nothing when there was none."""
        return read_state(self.path)

    def remember(self, state: StoredState) -> None:
        write_private(self.path / _STATE, json.dumps(asdict(state), indent=1))

    def remember_targets(self, targets: Mapping[str, str]) -> None:
        """Write where each process serves its metrics, in the format of Prometheus' `file_sd_configs`."""
        named = [{"targets": [at], "labels": {"instance": name}} for name, at in sorted(targets.items())]
        write_private(self.path / TARGETS_FILE, json.dumps(named, indent=1))

    def remember_settings(self, environment: Mapping[str, str]) -> None:
        """Keep what the installation was started with, for commands in other terminals."""
        named = {name: value for name, value in environment.items() if name.startswith("VIGIL_") and value}
        settings = {name: value for name, value in named.items() if name not in _NO_SETTINGS}
        write_private(self.path / _SETTINGS, json.dumps(settings, indent=1))


def read_settings(path: Path) -> dict[str, str]:
    """VIGIL_ variables that the installation in this folder was started with."""
    known = _read_object(path / _SETTINGS) if (path / _SETTINGS).exists() else {}
    return {name: value for name, value in known.items() if name.startswith("VIGIL_") and isinstance(value, str)}


def read_state(path: Path) -> StoredState:
    """What the installation in this folder remembers, whether or not it runs."""
    known = _read_object(path / _STATE) if (path / _STATE).exists() else {}
    return StoredState(**{name: value for name, value in known.items() if name in StoredState.__dataclass_fields__})


def read_secrets(path: Path) -> LocalSecrets | None:
    """The secrets of the installation in this folder; None when it was never started."""
    with contextlib.suppress(FileNotFoundError):
        return LocalSecrets(**_read_object(path / SECRETS_FILE))
    return None


def is_held(path: Path) -> bool:
    """Whether an installation runs in this folder now."""
    try:
        lock = os.open(path / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all, also across a power cut."""
    new = path.with_name(path.name + ".new")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as written:
            written.write(text)
            written.flush()
            os.fsync(written.fileno())
        new.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise


def _who_runs(path: Path) -> str:
    state = read_state(path)
    who = f" (pid {state.pid}) at {state.address}" if state.address else ""
    return f"already running{who} on {path}: stop it first, or name another folder with --data-dir"


def _read_object(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text())
    except ValueError as error:
        raise CannotStart(f"{path} is damaged ({error}): restore it from a backup, or move the folder away") from None
    if not isinstance(read, dict):
        raise CannotStart(f"{path} is damaged (not a JSON object): restore it from a backup, or move the folder away")
    return read


def _new_secrets() -> LocalSecrets:
    return LocalSecrets(
        secret_key=secrets.token_urlsafe(50),
        seal_keys=Fernet.generate_key().decode(),
        database_password=secrets.token_urlsafe(24),
        redis_password=secrets.token_urlsafe(24),
    )
