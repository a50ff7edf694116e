"""Declarations of all processes of an installation on one machine."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from consensus.process.settings import ConsensusSettings
from probes import keys
from probes.seal import Opener
from probes.signing.private_keys import control_keys_of, region_signing_key, stream_keys_of
from probes.worker.settings import ProbeSettings
from vigil.enrolment.core import redis_users
from vigil.local.environments import Addresses, isolated_env, sharded
from vigil.local.errors import CannotStart
from vigil.local.folder import LocalSecrets
from vigil.local.forkserver_client import ForkServer
from vigil.local.programs import Program
from vigil.local.servers import ports
from vigil.local.servers.postgres import LocalPostgres
from vigil.local.servers.redis import LocalRedis

_REGION_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_PROBE_TIMEOUT_S = 2


@dataclass(frozen=True)
class LocalRegion:
    """A region whose worker runs here. `env` is added to its worker's, such as VIGIL_PROBE_SOURCE.

    `through` is a command that prepares a place for the worker, such as a network of its own, and becomes it there.
    """

    name: str
    domain: str = "this-machine"
    egress: str = "private"
    env: Mapping[str, str] = field(default_factory=dict)
    through: Sequence[str] = ()

    def __post_init__(self) -> None:
        for word in (self.name, self.domain):
            if not _REGION_NAME.fullmatch(word):
                raise CannotStart(
                    f"{word!r} is not a region or domain name: use up to 40 of a-z, 0-9 and -, and do not start with -"
                )


@dataclass(frozen=True)
class Servers:
    """The embedded servers; None for one that the environment names."""

    postgres: LocalPostgres | None
    redis: LocalRedis | None
    ping_redis: LocalRedis | None = None


#: What PostgreSQL writes when it is asked whether it is ready.
_ASKED_TOO_EARLY = re.compile(r"FATAL: +the database system is (starting up|not yet accepting connections)")
#: What Redis writes at each start on most machines.
_ADVICE_FOR_LARGE_SERVERS = re.compile(r"overcommit_memory|Transparent Huge Pages")


def programs(
    servers: Servers, control: Mapping[str, str], secrets: LocalSecrets, regions: Sequence[LocalRegion], at: Addresses
) -> list[Program]:
    """Every process of the installation; `control` is the environment of the control plane."""
    declared = [
        _prepare(control, secrets, regions),
        *_probing(servers, control, secrets, regions),
        *(
            _healthy(Program(name, _process(part), env, after=("prepare", "redis"), fork_server="control"))
            for part in ("dispatch", "ingest", "record", "deliver", "witness")
            for name, env in sharded(part, control)
        ),
        *_heartbeats(control, at),
        Program(
            "web",
            _process("web", "--host", ports.LOOPBACK, "--port", str(at.web_port)),
            control,
            after=("prepare", "redis"),
            is_ready=answers_health(at.web_port),
            fork_server="control",
        ),
    ]
    servers_of_ours = (
        _postgres(servers.postgres),
        _redis("redis", servers.redis),
        _redis("ping-log", servers.ping_redis),
    )
    embedded = [program for program in servers_of_ours if program is not None]
    outside = {"postgres", "redis", "ping-log"} - {program.name for program in embedded}
    return embedded + [
        replace(program, after=tuple(name for name in program.after if name not in outside)) for program in declared
    ]


def _prepare(control: Mapping[str, str], secrets: LocalSecrets, regions: Sequence[LocalRegion]) -> Program:
    """Migrations, the first admin, and the regions of this machine with their public keys."""
    named = []
    for region in regions:
        key = secrets.region_keys[region.name]
        public, signing = Opener(key).public.hex(), region_signing_key(key).public.hex()
        named.append(f"{region.name}:{region.domain}:{region.egress}:{public}:{signing}")
    argv = _python("vigil.local.prepare", *named)
    return Program("prepare", argv, control, after=("postgres",), once=True, fork_server="control")


def _probing(
    servers: Servers, control: Mapping[str, str], secrets: LocalSecrets, regions: Sequence[LocalRegion]
) -> list[Program]:
    """Consensus and the region workers, each with a Redis user of its own."""
    consensus_env = isolated_env(control, ConsensusSettings) | _redis_of(servers, redis_users.CONSENSUS)
    # It shares the key of the messages between processes, and not those that open stored secrets.
    consensus_env["VIGIL_STREAM_KEYS"] = stream_keys_of(consensus_env.pop("VIGIL_SEAL_KEYS"))
    region_env, data = isolated_env(control, ProbeSettings), Path(control["VIGIL_DATA_DIR"])
    region_env["VIGIL_CONTROL_KEYS"] = control_keys_of(control["VIGIL_SEAL_KEYS"])
    workers = [
        _worker(region, region_env | _redis_of(servers, keys.user(region.name)), secrets.region_keys[region.name], data)
        for region in regions
    ]
    deciders = [
        _healthy(Program(name, _python("consensus"), env, after=("redis",)))
        for name, env in sharded("consensus", consensus_env)
    ]
    return [*deciders, *workers]


def fork_servers(control: Mapping[str, str]) -> dict[str, ForkServer]:
    """The fork servers of an installation, started; one per half, since a region worker must not know the other."""
    if sys.platform != "linux":
        return {}
    return {
        "control": ForkServer(["vigil.local.forkserver_preload"], control),
        "probe": ForkServer(["probes.worker.service"], isolated_env(control)),
    }


def _redis_of(servers: Servers, user: str) -> dict[str, str]:
    """The address of our own Redis for one of its users; one that the environment names is as it names it."""
    return {"VIGIL_REDIS_URL": servers.redis.url_for(user)} if servers.redis else {}


def answers_health(port: int) -> Callable[[], Awaitable[bool]]:
    """A readiness check: GET /healthz on a loopback port answers 200."""

    async def check() -> bool:
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(ports.LOOPBACK, port)
                try:
                    writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                    line = await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError, ValueError):
            return False
        return line.split()[1:2] == [b"200"]

    return check


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _process(name: str, *options: str) -> list[str]:
    return _python("vigil.cli", "run", name, *options)


def _healthy(program: Program) -> Program:
    """The program with a health port of its own, ready when that says so."""
    port = ports.take_free_port()
    # One address for all would be taken by the first: here each is scraped on the port of its health.
    env = {**program.env, "VIGIL_HEALTH_PORT": str(port), "VIGIL_METRICS_ADDRESS": ""}
    return replace(program, env=env, is_ready=answers_health(port))


def _heartbeats(control: Mapping[str, str], at: Addresses) -> list[Program]:
    """The processes that receive pings and judge jobs; the one for mails only where it has a port."""
    after = ("prepare", "redis", "ping-log")
    listens = ("--host", ports.LOOPBACK, "--port", str(at.ping_port))
    ours = [
        Program("ping", _process("ping", *listens), control, after=after, fork_server="control"),
        Program("heartbeats", _process("heartbeats"), control, after=after, fork_server="control"),
    ]
    if control.get("VIGIL_MAIL_PORT"):
        ours.append(Program("mail", _process("mail"), control, after=after, fork_server="control"))
    return [_healthy(program) for program in ours]


def _worker(region: LocalRegion, inherited: Mapping[str, str], key: str, data: Path) -> Program:
    env = {
        **inherited,
        "VIGIL_REGION": region.name,
        "VIGIL_REGION_KEY": key,
        "VIGIL_EGRESS": region.egress,
        "VIGIL_JOURNAL": str(data / f"journal-{region.name}.sqlite"),
        **region.env,
    }
    argv = _python("probes", "--region", region.name)
    if region.through:
        # Its health port may be out of reach from here, and a fork server's children start here.
        return Program(f"worker-{region.name}", [*region.through, *argv], env, after=("redis",))
    return _healthy(Program(f"worker-{region.name}", argv, env, after=("redis",), fork_server="probe"))


def _postgres(server: LocalPostgres | None) -> Program | None:
    if server is None:
        return None
    return Program(
        "postgres",
        server.argv,
        server.env,
        is_ready=_in_thread(server.is_ready),
        account=server.account,
        cwd=server.cluster,
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGINT,
        hurry_signal=signal.SIGQUIT,
        stopped_signal=signal.SIGCONT,
        unsaid=_ASKED_TOO_EARLY,
    )


def _redis(name: str, server: LocalRedis | None) -> Program | None:
    if server is None:
        return None
    return Program(
        name,
        server.argv,
        server.env,
        is_ready=_in_thread(server.is_ready),
        cwd=server.folder,
        death_signal=signal.SIGTERM,
        stopped_signal=signal.SIGCONT,
        unsaid=_ADVICE_FOR_LARGE_SERVERS,
    )


def _in_thread(check: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def checked() -> bool:
        return await asyncio.to_thread(check)

    return checked
