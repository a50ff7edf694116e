"""Strangers on the mail port: whatever they send, the process lives, and the mails of jobs are written meanwhile."""

from __future__ import annotations

import smtplib
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import redis

from probes import keys
from tests.streams import entries
from tests.vigil.heartbeats import fuzz
from tests.vigil.heartbeats.conftest import end, start
from tests.vigil.heartbeats.jobs import job
from tests.waiting import until
from vigil.heartbeats.core.pings.wire import decode
from vigil.local.servers import ports

pytestmark = pytest.mark.django_db(transaction=True)
DOMAIN = "pings.test"
#: Between two mails of a job (s): an address may take a few a second.
APART_S = 0.2


@pytest.fixture
def codes() -> list[str]:
    """Two jobs, known before the process starts: one of ours, and one whose address strangers have."""
    return [str(job(name).code) for name in ("ours", "theirs")]


@pytest.fixture
def mail_port(redis_url: str, test_database_url: str, codes: list[str]) -> Iterator[int]:
    """The port of a real `mail` process, which must still be the same one at the end."""
    port = ports.take_free_port()
    env = {"VIGIL_DATABASE_URL": test_database_url, "VIGIL_REDIS_URL": redis_url, "VIGIL_PING_REDIS_URL": redis_url}
    process = start(["run", "mail"], VIGIL_MAIL_PORT=str(port), VIGIL_MAIL_DOMAIN=DOMAIN, **env)

    def up() -> bool:
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", port)) == 0

    until(up, within_s=30)
    yield port
    assert process.poll() is None, "the process has ended"
    # What it logs goes into a pipe of 64 kB that is not read here: a line for each line of a stranger would stop it.
    end(process)


class Honest(threading.Thread):
    """Sends a mail of a job again and again, each over a conversation of its own."""

    def __init__(self, port: int, to: str) -> None:
        super().__init__()
        self._port, self._to, self._enough = port, to, threading.Event()
        self.taken, self.slowest_s = 0, 0.0

    def run(self) -> None:
        while not self._enough.wait(APART_S):
            begun_s = time.monotonic()
            try:
                with smtplib.SMTP("127.0.0.1", self._port, timeout=20) as client:
                    client.sendmail("cron@host.test", [self._to], b"Subject: mail %d\r\n\r\nok" % self.taken)
            except (smtplib.SMTPServerDisconnected, ConnectionResetError):
                # Its conversation made room for others': a mail server tries again.
                continue
            self.taken += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - begun_s)

    def stop(self) -> None:
        self._enough.set()
        self.join(30)


def test_p1_s12_thousands_of_pipelined_odd_lines_leave_mails_written(
    mail_port: int, redis_url: str, codes: list[str]
) -> None:
    ours, theirs = codes
    recipients = [f"{theirs}@{DOMAIN}".encode(), f"someone@{DOMAIN}".encode(), b"\xff@\0", b"a" * 400]
    honest = Honest(mail_port, f"{ours}+log@{DOMAIN}")
    honest.start()
    try:
        assert fuzz.pipeline(mail_port, fuzz.smtp(recipients), seed=15, requests=10_000) > 1_000
    finally:
        honest.stop()
    # How many fit in beside them depends on the machine; that each is taken soon does not.
    assert honest.taken > 1
    assert honest.slowest_s < 5.0
    with redis.Redis.from_url(redis_url) as client:
        written = [ping for _, fields in entries(client, keys.PINGS) for ping in decode(fields[keys.BODY]).pings]
    assert sum(ping.address.code == ours for ping in written) == honest.taken
