"""Three servers of Redis and three Sentinels on loopback, all with TLS, each with users of its own.

They take no connection without TLS. Their certificates are of an authority made here, which no host knows.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import trustme
from redis import Redis, RedisError
from redis.exceptions import NoPermissionError

from probes.process.connections.address import Place, parse_redis_url
from probes.process.connections.sentinel import primary_of
from tests.waiting import until
from vigil.enrolment.core import redis_users
from vigil.local import children
from vigil.local.servers import ports

SERVICE = "mymaster"
CONTROL, USERS, OPERATOR = "of-control-not-secret", "of-users-not-secret", "of-the-operator-not-secret"
REGIONS_AT_SENTINEL = "of-regions-not-secret"
#: How long a primary may be silent before the Sentinels call it down (ms).
DOWN_AFTER_MS = 2_000
#: What replicas and Sentinels may do: https://redis.io/docs/latest/operate/oss_and_stack/management/sentinel/
_REPLICA = "on >of-replicas-not-secret resetchannels -@all +psync +replconf +ping"
_SENTINEL = (
    "on >of-sentinels-not-secret allchannels -@all +multi +slaveof +ping +exec +subscribe +config|rewrite +role"
    " +publish +info +client|setname +client|kill +script|kill"
)
#: All that a region needs of a Sentinel.
REGION_RULES = f"on >{REGIONS_AT_SENTINEL} resetchannels -@all +hello +ping +sentinel|get-master-addr-by-name"


class SentinelServers:
    """Works between `start` and `stop`; a server is named by its place in the list."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ports = [ports.take_free_port() for _ in range(3)]
        self._sentinels = [ports.take_free_port() for _ in range(3)]
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        ca = trustme.CA(organization_name="Example Trust")
        self.authority = ca.cert_pem.bytes().decode()
        ca.cert_pem.write_to_path(folder / "authority.pem")
        ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")

    @property
    def control_url(self) -> str:
        return self._url(f"control:{CONTROL}@", f"sentinel_user=operator&sentinel_password={OPERATOR}", self._trusted)

    @property
    def regions_url(self) -> str:
        """The address as regions get it: they are given the authority apart."""
        return self._url("", f"sentinel_user=region&sentinel_password={REGIONS_AT_SENTINEL}")

    def environment(self) -> dict[str, str]:
        """Settings of a control plane."""
        return {
            "VIGIL_REDIS_URL": self.control_url,
            "VIGIL_USERS_REDIS_URL": self.control_url.replace(f"control:{CONTROL}@", f"users:{USERS}@"),
            "VIGIL_REGIONS_REDIS_URL": self.regions_url,
            "VIGIL_REGIONS_REDIS_CA": str(self._folder / "authority.pem"),
        }

    def start(self) -> None:
        """Start all, and wait until each Sentinel knows the primary, its replicas and the other Sentinels."""
        for number in range(3):
            self.start_server(number)
        for number, port in enumerate(self._sentinels):
            self._launch(port, self._sentinel_configuration(number), "--sentinel")
        until(self._is_complete, "the Sentinels to know each other", 60)

    def start_server(self, number: int) -> None:
        """Start a server: at first the first one is the primary; later, it is what its own file says."""
        path = self._folder / f"server-{number}.conf"
        if not path.exists():
            path.write_text(self._configuration(number))
        self._launch(self.ports[number], path)

    def kill(self, number: int) -> None:
        process = self._running[self.ports[number]]
        process.send_signal(signal.SIGKILL)
        process.wait()

    def primary(self) -> int:
        """The server that most Sentinels call the primary."""
        return self.ports.index(self._primary()[1])

    def fail_over(self) -> None:
        """Have the Sentinels promote a replica while the primary is well."""
        with self._sentinel(self._sentinels[0]) as client:
            client.execute_command("SENTINEL", "FAILOVER", SERVICE)

    def refused_to_regions(self) -> list[str]:
        """What a region's login would do harm with, and is refused at a Sentinel."""
        harmful = (
            f"SENTINEL FAILOVER {SERVICE}", f"SENTINEL REMOVE {SERVICE}", f"SENTINEL SET {SERVICE} quorum 9",
            "SENTINEL RESET *", "SENTINEL MASTERS", "SHUTDOWN", "ACL LIST", "INFO", "CLIENT LIST",
        )  # fmt: skip
        refused = []
        with self._client(self._sentinels[0], f"region:{REGIONS_AT_SENTINEL}") as client:
            for command in harmful:
                try:
                    client.execute_command(*command.split())
                except NoPermissionError:
                    refused.append(command)
        assert len(refused) == len(harmful), refused
        return refused

    def admin(self, number: int) -> Redis:
        """A client of one server that may do everything."""
        return self._client(self.ports[number], "admin:of-admin-not-secret")

    def is_replica(self, number: int) -> bool:
        """Whether a server answers, as a replica in step with its primary."""
        try:
            with self.admin(number) as client:
                told = client.info("replication")
        except RedisError:
            return False
        return told["role"] == "slave" and told["master_link_status"] == "up"

    def stop(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()

    def _launch(self, port: int, configuration: Path, *arguments: str) -> None:
        argv = ["redis-server", str(configuration), *arguments]
        options = children.popen_options(signal.SIGKILL)
        with (self._folder / "redis.log").open("ab") as log:
            self._running[port] = subprocess.Popen(
                argv, executable=_program(), cwd=self._folder, stdout=log, stderr=subprocess.STDOUT, **options
            )
        until(lambda: _accepts(port), "a server", 30)

    def _primary(self) -> Place:
        return primary_of(parse_redis_url(self.control_url), {})

    def _sentinel(self, port: int) -> Redis:
        return self._client(port, f"operator:{OPERATOR}")

    def _client(self, port: int, login: str) -> Redis:
        url = f"rediss://{login}@127.0.0.1:{port}/0?{self._trusted}"
        return Redis.from_url(url, socket_timeout=5, driver_info=None)

    @property
    def _trusted(self) -> str:
        """How redis-py is told of an authority."""
        return f"ssl_ca_certs={self._folder / 'authority.pem'}"

    def _url(self, login: str, *query: str) -> str:
        places = ",".join(f"127.0.0.1:{port}" for port in self._sentinels)
        return f"rediss+sentinel://{login}{places}/{SERVICE}/0?{'&'.join(query)}"

    def _is_complete(self) -> bool:
        for port in self._sentinels:
            with self._sentinel(port) as client:
                told = client.sentinel_master(SERVICE)
            if (told["num-slaves"], told["num-other-sentinels"]) != (2, 2):
                return False
        return all(self.is_replica(number) for number in (1, 2))

    def _configuration(self, number: int) -> str:
        users = {
            "default": "off", "admin": "on >of-admin-not-secret ~* &* +@all", "replica": _REPLICA,
            "sentinel": _SENTINEL, "control": redis_users.control_rules(CONTROL),
            "users": redis_users.users_rules(USERS),
        }  # fmt: skip
        lines = [
            "save \"\"", "appendonly no", "loglevel warning", "repl-diskless-sync yes", "repl-diskless-sync-delay 0",
            "masteruser replica", "masterauth of-replicas-not-secret",
            # A primary that was cut off takes no writes that would be lost.
            "min-replicas-to-write 1", "min-replicas-max-lag 10",
        ]  # fmt: skip
        if number:
            lines.append(f"replicaof 127.0.0.1 {self.ports[0]}")
        return self._text(self.ports[number], lines, users)

    def _sentinel_configuration(self, number: int) -> Path:
        lines = [
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.ports[0]} 2",
            f"sentinel auth-user {SERVICE} sentinel",
            f"sentinel auth-pass {SERVICE} of-sentinels-not-secret",
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} 10000",
            "sentinel sentinel-user operator",
            f"sentinel sentinel-pass {OPERATOR}",
            "loglevel warning",
        ]
        users = {"default": "off", "operator": f"on >{OPERATOR} allchannels +@all", "region": REGION_RULES}
        path = self._folder / f"sentinel-{number}.conf"
        path.write_text(self._text(self._sentinels[number], lines, users))
        return path

    def _text(self, port: int, lines: Sequence[str], users: dict[str, str]) -> str:
        said = [
            "port 0", f"tls-port {port}", "tls-replication yes", "tls-auth-clients no", "bind 127.0.0.1",
            f"tls-cert-file {self._folder / 'server.pem'}", f"tls-key-file {self._folder / 'server.pem'}",
            f"tls-ca-cert-file {self._folder / 'authority.pem'}",
            *lines, *(f"user {name} {rules}" for name, rules in users.items()),
        ]  # fmt: skip
        return "\n".join(said) + "\n"


def _program() -> str:
    """A Redis with TLS, which the one of the lock has not: under any name but redis-check-*, it is the server."""
    found = shutil.which("redis-server") or shutil.which("redis-check-rdb")
    assert found, "no Redis with TLS on this machine: apt install redis-tools"
    return found


def _accepts(port: int) -> bool:
    """Whether a server listens on the port."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
        return True
    return False
