"""Probe benchmark rig: certificate, targets, and one region worker."""

from __future__ import annotations

import contextlib
import datetime
import functools
import ipaddress
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import redis
from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from probes import keys, wire
from probes.probers import encode_spec, parse_spec
from probes.queue.sender import RegionQueues
from probes.signing.envelope import SENDER_BYTES
from probes.signing.private_keys import control_signing_key
from probes.signing.signatures import Signer
from probes.wire import Batch, Check, Lane, Result
from vigil.bench.measure import cpu_ns
from vigil.bench.report import until
from vigil.cli.errors import CommandError
from vigil.local.servers import ports

REGION = "bench"
SEAL_KEY = Fernet.generate_key().decode()
BATCH = 200


@dataclass(frozen=True)
class Certificates:
    """A temporary CA (file), and a certificate with key for 127.0.0.1 (one file)."""

    authority: Path
    server: Path


def make_certificates(home: Path) -> Certificates:
    """ECDSA P-256 for both, as usual on the web."""
    names = {who: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, who)]) for who in ("authority", "server")}
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)

    def signed(public: ec.EllipticCurvePublicKey, is_authority: bool) -> bytes:
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        name = names["authority" if is_authority else "server"]
        builder = x509.CertificateBuilder(
            names["authority"], name, public, x509.random_serial_number(), now, _later(now)
        )
        builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        made = builder.add_extension(address, critical=False).sign(authority_key, hashes.SHA256())
        return made.public_bytes(serialization.Encoding.PEM)

    authority, server = home / "authority.pem", home / "server.pem"
    authority.write_bytes(signed(authority_key.public_key(), True))
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    server.touch(mode=0o600)
    server.write_bytes(pem + signed(key.public_key(), False))
    return Certificates(authority, server)


def _later(now: datetime.datetime) -> datetime.datetime:
    return now + datetime.timedelta(days=1)


@dataclass(frozen=True)
class ProbeTargets:
    """Two servers: a fast one (nginx if installed), and one that hangs on request."""

    http: str
    https: str
    hanging: str
    port: int
    server: str


@contextlib.contextmanager
def targets(home: Path, certificates: Certificates) -> Iterator[ProbeTargets]:
    plain, tls, other_plain, hanging = (ports.take_free_port() for _ in range(4))
    own = [sys.executable, "-m", "vigil.bench.target", "--certificate", str(certificates.server)]
    with contextlib.ExitStack() as stack:
        nginx = shutil.which("nginx")
        fast = (
            [nginx, "-c", str(_nginx_file(home, plain, tls, certificates))]
            if nginx
            else [*own, "--port", str(plain), "--tls", str(tls)]
        )
        stack.enter_context(program(fast, home / "fast.log"))
        stack.enter_context(program([*own, "--port", str(other_plain), "--tls", str(hanging)], home / "hanging.log"))
        for port in (plain, tls, hanging):
            until(functools.partial(_is_taken, port), "the targets do not start")
        yield ProbeTargets(
            f"http://127.0.0.1:{plain}/",
            f"https://127.0.0.1:{tls}/",
            f"https://127.0.0.1:{hanging}/hang",
            plain,
            "nginx" if nginx else "uvloop",
        )


def _is_taken(port: int) -> bool:
    return not ports.is_free(port)


def _nginx_file(home: Path, plain: int, tls: int, certificates: Certificates) -> Path:
    path = home / "nginx.conf"
    path.write_text(
        f"""daemon off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
  uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{
    listen 127.0.0.1:{plain} backlog=4096; listen 127.0.0.1:{tls} ssl backlog=4096;
    ssl_certificate {certificates.server}; ssl_certificate_key {certificates.server}; ssl_session_tickets off;
    location / {{ default_type text/plain; return 200 "ok\\n"; }}
  }}
}}
"""
    )
    return path


@contextlib.contextmanager
def program(argv: list[str], log: Path, **environment: str) -> Iterator[int]:
    """Run a program within a with statement; output goes to `log`. Yields its pid."""
    with log.open("wb") as output:
        process = subprocess.Popen(argv, env={**os.environ, **environment}, stdout=output, stderr=output)
        try:
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class WorkerUnderTest:
    """Sends batches to a worker and reads its results."""

    def __init__(self, redis_url: str, pid: int) -> None:
        self.pid = pid
        signer = Signer(control_signing_key(SEAL_KEY), os.urandom(SENDER_BYTES), lambda: int(time.time() * 1000))
        self._queues = RegionQueues(redis_url, signer)
        self._redis: Any = redis.Redis.from_url(redis_url)
        self._place = "0"
        self._monitors = 0
        until(lambda: bool(self._redis.exists(keys.status(REGION))), "the worker does not start")

    def close(self) -> None:
        self._queues.close()
        self._redis.close()

    def send(self, kind: str, config: dict[str, object], checks: int, lane: Lane = Lane.SCHEDULED) -> None:
        """Send a batch of due checks, each of another monitor."""
        self.send_patient(kind, config, checks, lane, timeout_ms=10_000)

    def send_patient(
        self, kind: str, config: dict[str, object], checks: int, lane: Lane, *, timeout_ms: int, soft_ms: int = 0
    ) -> None:
        """The same with given limits."""
        spec = msgspec.Raw(encode_spec(parse_spec(kind, config)))
        now_ms = int(time.time() * 1000)
        orders = []
        for _ in range(checks):
            self._monitors += 1
            round_id = f"rnd_{self._monitors}" if lane is Lane.CONFIRM else ""
            monitor = f"mon_{self._monitors}"
            look = 1 if round_id else 0
            check = Check(1, monitor, kind, now_ms, now_ms + 60_000, timeout_ms, spec, b"", round_id, look, soft_ms)
            orders.append(check)
        self._queues.send(Batch(1, REGION, lane, orders), 60)

    def results(self) -> list[Result]:
        """Results since the last call."""
        entries = self._redis.xrange(keys.results(REGION), f"({self._place}" if self._place != "0" else "-")
        if entries:
            self._place = entries[-1][0].decode()
        return [result for _, entry in entries for result in wire.decode_results(entry[keys.BODY])]

    def gather(self, wanted: Callable[[Result], bool], count: int) -> list[Result]:
        """The next `count` results of this kind."""
        found: list[Result] = []

        def enough() -> bool:
            found.extend(result for result in self.results() if wanted(result))
            return len(found) >= count

        until(enough, f"only {len(found)} of {count} results came")
        return found

    def cost_us(self, kind: str, config: dict[str, object], batches: int) -> float:
        """CPU microseconds per check, from Celery message to result; raises when one fails."""
        for number in range(batches + 2):
            if number == 2:
                begun = cpu_ns(self.pid)
            self.send(kind, config, BATCH)
            failed = [result for result in self.gather(lambda _: True, BATCH) if result.status != "up"]
            if failed:
                raise CommandError(f"a check failed: {failed[0].reason} {failed[0].detail}")
        return (cpu_ns(self.pid) - begun) / (batches * BATCH) / 1000
