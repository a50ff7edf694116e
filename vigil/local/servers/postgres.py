"""The PostgreSQL of this installation: a server that VIGIL_DATABASE_URL names, or one of our own on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from vigil.local import children
from vigil.local.children import Account
from vigil.local.errors import CannotStart
from vigil.local.servers import ports, postgres_binaries
from vigil.local.supervision.last_words import telling

OWNER = "vigil"
DATABASE = "vigil"
STOP_SIGNAL = signal.SIGINT
_OLDEST = postgres_binaries.OLDEST_MAJOR * 10_000
_CONNECT_TIMEOUT_S = 5
_INITDB_TIMEOUT_S = 60
_START_TIMEOUT_S = 30
_STARTS = 3
#: Larger than any process id, so that PostgreSQL sees a stale lock file and still looks for orphaned backends itself.
_NO_PROCESS = 4_194_305


@dataclass(frozen=True)
class LocalPostgres:
    """A server of our own: where it lives, how it is started, and its address."""

    binaries: Path
    cluster: Path
    port: int
    password: str = field(repr=False)
    account: Account | None = None
    durable: bool = True

    @property
    def url(self) -> str:
        return f"postgresql://{OWNER}:{quote(self.password, safe='')}@{ports.LOOPBACK}:{self.port}/{DATABASE}"

    @property
    def argv(self) -> list[str]:
        options = {
            "listen_addresses": ports.LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "max_connections": "100",
            "max_wal_size": "512MB",
            "log_checkpoints": "off",
            "log_line_prefix": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        chosen = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.cluster), *chosen]

    @property
    def env(self) -> dict[str, str]:
        """A small environment: the caller's PG* variables must not reach the server."""
        return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}

    def is_ready(self) -> bool:
        """Whether it takes connections now; creates our database the first time."""
        try:
            with psycopg.connect(
                self.url.removesuffix(DATABASE) + "postgres", connect_timeout=2, autocommit=True
            ) as db:
                if not db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                    db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        except psycopg.Error:
            return False
        return True


def prepare(home: Path, password: str, port: int, durable: bool = True) -> LocalPostgres:
    """Make a server ready to be started with its data below `home`: programs found, cluster made, leftovers ended."""
    account, cluster = postgres_binaries.server_account(), cluster_folder(home)
    version = cluster / "PG_VERSION"
    wanted = int(version.read_text()) if version.exists() else None
    binaries = postgres_binaries.find(account, wanted)
    server = LocalPostgres(binaries.folder, cluster, port, password, account, durable)
    if wanted is None:
        _create_cluster(server)
    else:
        _end_left_over(cluster)
    return server


def cluster_folder(home: Path) -> Path:
    """Where the data of a server below `home` is: elsewhere when root's server, as another account, cannot enter it."""
    if postgres_binaries.server_account() is not None and not postgres_binaries.can_enter(home):
        home = postgres_binaries.open_place("vigil-" + hashlib.sha256(bytes(home.resolve())).hexdigest()[:16])
    return home / "postgres"


def discard(cluster: Path) -> None:
    """Remove a cluster that is of no use, and end its server if that still runs."""
    _end_left_over(cluster)
    _remove(cluster)


@contextlib.contextmanager
def running(home: Path, password: str, log: Path, durable: bool = True) -> Iterator[LocalPostgres]:
    """A server for the length of a with statement, on a free port; its output goes to `log`."""
    server, process = _start(home, password, log, durable)
    try:
        yield server
    finally:
        children.stop(process, STOP_SIGNAL if durable else signal.SIGQUIT)


def check_url(url: str) -> None:
    """Raise CannotStart unless `url` names a PostgreSQL that answers and is new enough."""
    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_TIMEOUT_S) as connection:
            version = connection.info.server_version
    except psycopg.ProgrammingError:
        raise CannotStart(
            "VIGIL_DATABASE_URL is not a PostgreSQL address: write postgresql://user:password@host:5432/database"
        ) from None
    except psycopg.OperationalError as error:
        cause = (str(error).strip().splitlines() or ["no answer"])[0]
        raise CannotStart(f"cannot reach the PostgreSQL that VIGIL_DATABASE_URL names: {cause}") from None
    if version < _OLDEST:
        raise CannotStart(
            f"the PostgreSQL that VIGIL_DATABASE_URL names is version {version // 10_000}; "
            f"Vigil needs {postgres_binaries.OLDEST_MAJOR} or newer"
        )


def _start(home: Path, password: str, log: Path, durable: bool) -> tuple[LocalPostgres, subprocess.Popen[bytes]]:
    for _ in range(_STARTS):
        server = prepare(home, password, ports.take_free_port(), durable)
        with log.open("ab") as output:
            options = children.popen_options(STOP_SIGNAL, server.account)
            process = subprocess.Popen(
                server.argv, env=server.env, cwd=server.cluster, stdout=output, stderr=subprocess.STDOUT, **options
            )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            if server.is_ready():
                return server, process
            time.sleep(0.02)
        children.stop(process, STOP_SIGNAL)
    raise CannotStart(f"PostgreSQL does not start: {tail(log)} (all of it: {log})")


def tail(log: Path, lines: int = 1) -> str:
    """The last lines of a log, for an error message."""
    text = log.read_bytes()[-4096:].decode(errors="replace").strip()
    return " | ".join(text.splitlines()[-lines:]) or "it said nothing"


def _create_cluster(server: LocalPostgres) -> None:
    """Run initdb in a folder beside the cluster's and rename it, so that half a cluster is never taken for one."""
    half = server.cluster.with_name("postgres.new")
    _remove(half)
    half.mkdir(mode=0o700, parents=True)
    password_file = half.with_name("postgres.password")
    try:
        password_file.unlink(missing_ok=True)
        with open(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
            written.write(server.password)
        for path in (half, password_file):
            if server.account is not None:
                os.chown(path, server.account.uid, server.account.gid)
        _run_initdb(server, half, password_file)
    finally:
        password_file.unlink(missing_ok=True)
    _remove(server.cluster)
    half.rename(server.cluster)


def _run_initdb(server: LocalPostgres, folder: Path, password_file: Path) -> None:
    command = [str(server.binaries / "initdb"), "-D", str(folder), "-U", OWNER, "--pwfile", str(password_file)]
    command += ["-A", "scram-sha-256", "-E", "UTF8", "--no-locale", *([] if server.durable else ["--no-sync"])]
    options = children.popen_options(signal.SIGKILL, server.account)
    try:
        made = subprocess.run(
            command, env=server.env, cwd=folder, capture_output=True, text=True, timeout=_INITDB_TIMEOUT_S, **options
        )
    except subprocess.TimeoutExpired:
        raise CannotStart(f"initdb did not finish in {_INITDB_TIMEOUT_S} s: is the disk of {folder} full?") from None
    if made.returncode:
        said = telling(made.stderr.strip().splitlines()) or f"exit {made.returncode}"
        raise CannotStart(f"initdb failed in {folder}: {said}")


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _end_left_over(cluster: Path) -> None:
    """End a server of an earlier run that lost its parent, and disarm a lock file whose number another process has."""
    lock = cluster / "postmaster.pid"
    try:
        lines = lock.read_text().splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, ValueError, IndexError):
        return
    if not children.end_left_over(pid, str(cluster), (signal.SIGINT, signal.SIGQUIT)):
        raise CannotStart(f"a PostgreSQL of an earlier run is still stopping (process {pid}): wait for it, or end it")
    with contextlib.suppress(FileNotFoundError):
        if lock.read_text().splitlines()[:1] == [str(pid)]:
            _replace(lock, "\n".join([str(_NO_PROCESS), *lines[1:]]) + "\n")


def _replace(path: Path, text: str) -> None:
    """Write a file of the server anew, whole or not at all: with half a lock file it would not start any more."""
    owner, new = path.parent.stat(), path.with_name(path.name + ".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as written:
        written.write(text)
    if os.geteuid() == 0:
        os.chown(new, owner.st_uid, owner.st_gid)
    new.replace(path)
