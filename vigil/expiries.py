"""Certificates and tokens that this installation depends on, with the day that each ends."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509
from django.db.models import F

from probes.process.connections.address import parse_redis_url
from vigil.accounts.models import ApiToken
from vigil.clock import database_now
from vigil.configuration import Configuration, parse_database_url
from vigil.incidents.core.expiry import TOLD_BEFORE, Expiry
from vigil.incidents.installation.expiries import note_expiries
from vigil.incidents.timeline import EnqueueDeliveries

#: For each server, in all.
DEADLINE_S = 5.0
#: A token that nothing has used for so long is not missed when it ends.
USED_WITHIN = timedelta(days=30)
TOKENS_MOST = 500
_CA_BYTES_MOST = 100_000
_RENEW = "Renew it, and have its server read the new one."
_RENEW_AUTHORITY = (
    "Put the new authority beside it in the file, and run `manage.py region rotate` for each region in time."
)
_RENEW_TOKEN = "Make a new one with `manage.py token rotate`, and give it to what uses it."
#: PostgreSQL's request for TLS, and its answer when it speaks it.
_POSTGRES_TLS, _SPEAKS_TLS = bytes.fromhex("0000000804d2162f"), b"S"


@dataclass(frozen=True, slots=True)
class TlsServer:
    """A server whose certificate is looked at; `role` names it for people, without user and password."""

    role: str
    host: str
    port: int
    postgres: bool = False

    @property
    def name(self) -> str:
        return f"The certificate of {self.role} ({self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class FoundExpiries:
    """What ends when, and the names of what could not be asked now."""

    expiries: list[Expiry]
    unknown: list[str]


def servers_of(settings: Configuration) -> list[TlsServer]:
    """Servers of the settings that are spoken to by TLS, each once."""
    found = [TlsServer("the pages", *_place(settings.base_url, 443))] if settings.is_https else []
    redis_urls = [settings.redis_url, settings.control_redis_url, settings.users_redis_url, settings.ping_redis_url]
    for url in (*(one.get_secret_value() for one in redis_urls if one), settings.regions_redis_url):
        if urlsplit(url).scheme in {"rediss", "rediss+sentinel"}:
            address = parse_redis_url(url)
            role = "Redis Sentinel" if address.service else "Redis"
            found += [TlsServer(role, *place) for place in address.places]
    database = parse_database_url(settings.database_url.get_secret_value())
    if database["OPTIONS"].get("sslmode") in {"require", "verify-ca", "verify-full"}:
        port = int(database["PORT"] or 5432)
        found.append(TlsServer("PostgreSQL", database["HOST"], port, postgres=True))
    return list(dict.fromkeys(found))


def certificates(settings: Configuration) -> FoundExpiries:
    """When the certificates of the servers and of the authority that workers get end."""
    expiries, unknown = [], []
    for server in servers_of(settings):
        try:
            expiries.append(Expiry(server.name, end_of_certificate(server), _RENEW))
        except (OSError, ValueError):
            # That it is away is told elsewhere.
            unknown.append(server.name)
    path = settings.regions_redis_ca
    name = "The authority in VIGIL_REGIONS_REDIS_CA"
    if path is not None:
        try:
            with path.open("rb") as opened:
                parsed = x509.load_pem_x509_certificates(opened.read(_CA_BYTES_MOST))
            expiries.append(Expiry(name, max(one.not_valid_after_utc for one in parsed), _RENEW_AUTHORITY))
        except (OSError, ValueError):
            unknown.append(name)
    return FoundExpiries(expiries, unknown)


def tokens(now: datetime) -> Iterator[Expiry]:
    """Tokens in use that end; those that were made for a short time only are meant to."""
    used = ApiToken.objects.filter(
        expires_at__gt=now,
        expires_at__lte=now + TOLD_BEFORE,
        last_used_at__gt=now - USED_WITHIN,
        created_at__lt=F("expires_at") - 2 * TOLD_BEFORE,
    )
    for token in used.order_by("expires_at")[:TOKENS_MOST]:
        if token.expires_at is not None:
            what = f"The API token {token.name} (vgl_{token.prefix})"
            yield Expiry(what, token.expires_at, _RENEW_TOKEN, token.team_id)


def end_of_certificate(server: TlsServer) -> datetime:
    """When the certificate that a server presents ends, trusted or not; raises OSError and ValueError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((server.host, server.port), timeout=DEADLINE_S) as plain:
        plain.settimeout(DEADLINE_S)
        if server.postgres:
            plain.sendall(_POSTGRES_TLS)
            if plain.recv(1) != _SPEAKS_TLS:
                raise ValueError("it does not speak TLS")
        with context.wrap_socket(plain, server_hostname=server.host) as secured:
            presented = secured.getpeercert(binary_form=True)
    if presented is None:
        raise ValueError("it presents no certificate")
    return x509.load_der_x509_certificate(presented).not_valid_after_utc.astimezone(UTC)


def _place(url: str, port: int) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or port


def note(found: FoundExpiries, enqueue: EnqueueDeliveries) -> None:
    """Open and resolve incidents of what ends, tokens among it."""
    now = database_now()
    note_expiries([*found.expiries, *tokens(now)], found.unknown, now, enqueue)
