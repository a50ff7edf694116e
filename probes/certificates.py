"""TLS of a check: contexts made once, and what a certificate says."""

from __future__ import annotations

import datetime
import os
import ssl
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the leaf certificate of a server says; times in seconds since the Unix epoch."""

    subject: str
    issuer: str
    expires_s: int

    def days_left(self, now_s: float) -> int:
        """Whole days until it expires; negative once it has."""
        return int((self.expires_s - now_s) // 86_400)


@lru_cache(maxsize=2)
def context(verify: bool) -> ssl.SSLContext:
    """The client context, made once: TLS 1.2 or later, this system's authorities (or certifi's where it has none)."""
    made = ssl.create_default_context()
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif not _system_has_authorities(made):
        import certifi

        made.load_verify_locations(certifi.where())
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    return made


def _system_has_authorities(made: ssl.SSLContext) -> bool:
    paths = ssl.get_default_verify_paths()
    return bool(made.cert_store_stats()["x509_ca"]) or bool(paths.capath and os.listdir(paths.capath))


@lru_cache(maxsize=4096)
def read(der: bytes) -> Certificate | None:
    """What a DER certificate says, or None when it cannot be parsed (attacker bytes: never an error)."""
    try:
        parsed = x509.load_der_x509_certificate(der)
        return Certificate(_name(parsed.subject), _name(parsed.issuer), _seconds(parsed.not_valid_after_utc))
    except (ValueError, TypeError):
        return None


def _name(name: x509.Name) -> str:
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in name.get_attributes_for_oid(oid):
            return str(attribute.value)[:120]
    return name.rfc4514_string()[:120]


def _seconds(moment: datetime.datetime) -> int:
    return int(moment.timestamp())
