"""One installation on this machine: prepared, started and stopped."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vigil import disks
from vigil.incidents.core.disks import Shortage, in_words, refused_by_disk, shortage
from vigil.local import processes
from vigil.local.environments import Addresses, control_env
from vigil.local.errors import CannotStart
from vigil.local.folder import DataFolder, StoredState
from vigil.local.processes import LocalRegion, Servers
from vigil.local.programs import Journal, RestartPace, metrics_targets
from vigil.local.servers import ports, postgres, redis
from vigil.local.supervisor import Supervisor

DEFAULT_REGIONS = tuple(LocalRegion(f"local-{number}") for number in (1, 2, 3))
_READY_DEADLINE_S = 90
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@dataclass(frozen=True)
class InstallationOptions:
    """Options of an installation: regions, the port of the web pages (0: any free one), extra environment for all."""

    regions: tuple[LocalRegion, ...] = DEFAULT_REGIONS
    port: int = 0
    env: Mapping[str, str] = field(default_factory=dict)


class Installation:
    """Everything that `up` runs. Building one makes servers and ports ready but starts nothing.

    Raises CannotStart, with one line, whenever something on this machine stands in the way.
    """

    def __init__(
        self, folder: DataFolder, wanted: InstallationOptions, journal: Journal, pace: RestartPace | None = None
    ) -> None:
        self.folder = folder
        #: Every folder that holds data: root's PostgreSQL may have to live outside a closed one.
        self.data_folders = [folder.path]
        with blaming_the_disk(self.data_folders):
            self._prepare(wanted, journal, pace)

    def _prepare(self, wanted: InstallationOptions, journal: Journal, pace: RestartPace | None) -> None:
        folder = self.folder
        remembered = folder.state()
        self.secrets = folder.secrets(tuple(region.name for region in wanted.regions))
        web_port = ports.take_web_port(wanted.port, remembered.web_port)
        servers = self._servers(remembered, [region.name for region in wanted.regions])
        self.addresses = Addresses(
            database_url=servers.postgres.url if servers.postgres else os.environ["VIGIL_DATABASE_URL"],
            redis_url=servers.redis.url if servers.redis else os.environ["VIGIL_REDIS_URL"],
            base_url=os.environ.get("VIGIL_BASE_URL") or f"http://{ports.LOOPBACK}:{web_port}",
            web_port=web_port,
            ping_redis_url=servers.ping_redis.url if servers.ping_redis else os.environ.get("VIGIL_PING_REDIS_URL", ""),
            ping_port=ports.take_free_port(remembered.ping_port),
        )
        self.env = control_env(self.addresses, self.secrets, folder.path) | dict(wanted.env)
        if servers.postgres is not None and folder.path not in servers.postgres.cluster.parents:
            self.data_folders.append(servers.postgres.cluster)
        self.login_link, self.login_link_lifetime_s = "", 0
        self._fork_servers = processes.fork_servers(self.env)
        declared = processes.programs(servers, self.env, self.secrets, wanted.regions, self.addresses)
        self.supervisor = Supervisor(
            declared,
            journal,
            pace,
            self._fork_servers,
        )
        self._state = StoredState(
            pid=os.getpid(),
            address=self.addresses.base_url,
            web_port=web_port,
            postgres_port=servers.postgres.port if servers.postgres else 0,
            redis_port=servers.redis.port if servers.redis else 0,
            ping_redis_port=servers.ping_redis.port if servers.ping_redis else 0,
            ping_port=self.addresses.ping_port,
        )
        folder.remember(self._state)
        folder.remember_targets(metrics_targets(declared, web_port))
        folder.remember_settings(os.environ)

    async def start(self) -> None:
        """Start everything and wait until it is ready; raises CannotStart with what is not, having stopped the rest."""
        self.supervisor.start()
        try:
            with blaming_the_disk(self.data_folders):
                await self.supervisor.wait_ready(_READY_DEADLINE_S)
        except BaseException:
            await self.supervisor.stop()
            self._close_fork_servers()
            raise
        self.login_link, life = self.supervisor.output("prepare").split()
        self.login_link_lifetime_s = int(life)

    async def stop(self) -> None:
        """Stop everything in order."""
        await self.supervisor.stop()
        self._close_fork_servers()
        # All is stopped; a disk that takes no more words changes nothing of that.
        with contextlib.suppress(OSError):
            self.folder.remember(replace(self._state, pid=0))

    def _close_fork_servers(self) -> None:
        for fork_server in self._fork_servers.values():
            fork_server.close()

    def _servers(self, remembered: StoredState, regions: Sequence[str]) -> Servers:
        own_postgres = own_redis = own_ping_redis = None
        home = self.folder.path
        if os.environ.get("VIGIL_DATABASE_URL"):
            postgres.check_url(os.environ["VIGIL_DATABASE_URL"])
        else:
            port = ports.take_free_port(remembered.postgres_port)
            own_postgres = postgres.prepare(home, self.secrets.database_password, port)
        if os.environ.get("VIGIL_REDIS_URL"):
            redis.check_url(os.environ["VIGIL_REDIS_URL"])
        else:
            port = ports.take_free_port(remembered.redis_port)
            own_redis = redis.prepare(home, self.secrets.redis_password, port, regions=regions)
        if os.environ.get("VIGIL_CONTROL_REDIS_URL"):
            redis.check_url(os.environ["VIGIL_CONTROL_REDIS_URL"], "VIGIL_CONTROL_REDIS_URL")
        if os.environ.get("VIGIL_PING_REDIS_URL"):
            redis.check_url(os.environ["VIGIL_PING_REDIS_URL"], "VIGIL_PING_REDIS_URL")
        elif own_redis is not None:
            port = ports.take_free_port(remembered.ping_redis_port)
            own_ping_redis = redis.prepare(home, self.secrets.redis_password, port, redis.PINGS)
        return Servers(own_postgres, own_redis, own_ping_redis)


@contextlib.contextmanager
def blaming_the_disk(folders: Sequence[Path]) -> Iterator[None]:
    """Raise CannotStart that names the disk where that is why something could not be written or started."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        raise CannotStart(
            f"cannot write {error.filename or 'the data'} ({error.strerror}): {_state_of(folders)}"
        ) from error
    except CannotStart as error:
        full = [disk for disk in disks.disks_of(folders) if shortage(disk) in (Shortage.FULL, Shortage.READ_ONLY)]
        if not full and not refused_by_disk([str(error)]):
            raise
        raise CannotStart(f"{error}. {_state_of(folders)}") from error


def _state_of(folders: Sequence[Path]) -> str:
    return " ".join([*map(in_words, disks.disks_of(folders)), "Free some room there, then start again."])
