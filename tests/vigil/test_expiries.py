"""What ends is told before: certificates of servers as they present them, the workers' authority, tokens in use."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from vigil import expiries
from vigil.accounts.models import ApiToken
from vigil.accounts.teams import default_team
from vigil.accounts.tokens import issue_token
from vigil.alerts.outbox import enqueue
from vigil.clock import database_now
from vigil.configuration import configuration
from vigil.doctor.expiries import expiry
from vigil.doctor.findings import ExaminationContext, Level
from vigil.incidents.core.expiry import TOLD_BEFORE, Expiry, cause_of, ending_soon, in_words
from vigil.incidents.installation.expiries import note_expiries
from vigil.incidents.models import Incident

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@contextlib.contextmanager
def tls_server(not_after: datetime, first: bytes = b"") -> Iterator[int]:
    """A server on loopback whose certificate ends then; `first` is what it answers before it speaks TLS."""
    issued = trustme.CA().issue_cert("127.0.0.1", not_before=not_after - 90 * DAY, not_after=not_after)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    plain, _ = listening.accept()
                except OSError:
                    return
                with plain, contextlib.suppress(OSError):
                    plain.settimeout(10)
                    if first:
                        plain.recv(8)
                        plain.sendall(first)
                    context.wrap_socket(plain, server_side=True).close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    configuration.cache_clear()


def test_each_server_that_speaks_tls_is_looked_at_once(settings: pytest.MonkeyPatch) -> None:
    settings.setenv("VIGIL_BASE_URL", "https://vigil.example.com")
    settings.setenv("VIGIL_REDIS_URL", "rediss://u:secret@redis.example.com:6380/0")
    settings.setenv("VIGIL_USERS_REDIS_URL", "rediss://other:secret@redis.example.com:6380/0")
    settings.setenv("VIGIL_DATABASE_URL", "postgresql://u:secret@db.example.com/vigil?sslmode=verify-full")
    configuration.cache_clear()
    names = [server.name for server in expiries.servers_of(configuration())]
    assert names == [
        "The certificate of the pages (vigil.example.com:443)",
        "The certificate of Redis (redis.example.com:6380)",
        "The certificate of PostgreSQL (db.example.com:5432)",
    ]


@pytest.mark.parametrize(("postgres", "first"), [(False, b""), (True, b"S")])
def test_the_end_of_a_certificate_is_read_whoever_signed_it(postgres: bool, first: bytes) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + 5 * DAY
    with tls_server(ends, first) as port:
        assert expiries.end_of_certificate(expiries.TlsServer("Redis", "127.0.0.1", port, postgres)) == ends


def test_the_latest_authority_counts_and_a_server_that_is_away_is_unknown(
    settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(trustme.CA().cert_pem.bytes())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings.setenv("VIGIL_REGIONS_REDIS_CA", str(file))
    settings.setenv("VIGIL_REGIONS_REDIS_URL", f"rediss://127.0.0.1:{port}/0")
    configuration.cache_clear()
    found = expiries.certificates(configuration())
    assert [one.what for one in found.expiries] == ["The authority in VIGIL_REGIONS_REDIS_CA"]
    assert found.unknown == [f"The certificate of Redis (127.0.0.1:{port})"]


def test_what_ends_within_three_weeks_is_told_the_next_one_first() -> None:
    ends = [Expiry(f"{days}", NOW + days * DAY, "") for days in (30, 21, -2, 1)]
    assert [one.what for one in ending_soon(ends, NOW)] == ["-2", "1", "21"]
    assert in_words(ends[1], NOW) == "21 ends in 21 days, on 2026-12-21."
    assert in_words(ends[2], NOW) == "-2 ended on 2026-11-28."
    assert in_words(Expiry("It", NOW + DAY / 2, ""), NOW) == "It ends within a day, on 2026-12-01."


@pytest.mark.django_db
def test_only_tokens_in_use_that_were_made_to_last_are_told() -> None:
    now = database_now()
    for name, life, used in (("ci", 100 * DAY, DAY), ("short", 10 * DAY, DAY), ("idle", 100 * DAY, 60 * DAY)):
        token, _ = issue_token(default_team(), name, expires_at=now + 5 * DAY)
        ApiToken.objects.filter(pk=token.pk).update(created_at=now + 5 * DAY - life, last_used_at=now - used)
    issue_token(default_team(), "endless")
    (told,) = expiries.tokens(now)
    assert "API token ci" in told.what and told.team == default_team().pk


@pytest.mark.django_db
def test_an_incident_is_open_until_it_is_renewed() -> None:
    now = database_now()
    old, other = Expiry("The certificate of Redis", now + 5 * DAY, "Renew it."), Expiry("Other", now + 90 * DAY, "")
    for _ in range(2):
        note_expiries([old, other], [], now, enqueue)
    incident = Incident.objects.get(cause_key=cause_of(old.what))
    assert incident.team == default_team()
    assert incident.transitions.get().text.startswith("The certificate of Redis ends in 5 days")

    note_expiries([other], [old.what], now, enqueue)
    incident.refresh_from_db()
    assert incident.resolved_at is None, "a server that is away has not renewed its certificate"
    note_expiries([Expiry(old.what, now + 2 * TOLD_BEFORE, "")], [], now, enqueue)
    incident.refresh_from_db()
    assert incident.resolved_at is not None


@pytest.mark.django_db
def test_doctor_tells_what_ends_and_that_nothing_does(settings: pytest.MonkeyPatch) -> None:
    import redis

    around = ExaminationContext(redis.Redis(), database_now())
    assert [one.level for one in expiry(around)] == [Level.WELL]
    with tls_server(datetime.now(UTC) + 2 * DAY) as port:
        settings.setenv("VIGIL_REGIONS_REDIS_URL", f"rediss://127.0.0.1:{port}/0")
        configuration.cache_clear()
        (found,) = expiry(around)
    assert found.level is Level.PROBLEM and "ends in a day" in found.text
