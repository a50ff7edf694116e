"""TLS options of a check, and the fields of a server's certificate, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

HTTP_ALPN = "http/1.1"


class BadCertificate(ValueError):
    """A certificate or key that cannot be used; the text for people never quotes it."""


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """Options of a handshake. PEM texts; without `ca_pem` the system's authorities are trusted. `alpn` may be empty."""

    verify: bool = True
    ca_pem: str = ""
    least_version: str = "1.2"
    alpn: str = HTTP_ALPN
    client_certificate: str = ""
    client_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Fields of a certificate; times in seconds since the Unix epoch.

    `names` are the hosts and addresses it is for; the digests are SHA-256 in hex, of all of it and of its public key.
    """

    subject: str
    issuer: str
    expires_s: int
    names: tuple[str, ...] = ()
    sha256: str = ""
    key_sha256: str = ""
    begins_s: int = 0

    def days_left(self, now_s: float) -> int:
        """Whole days until it expires; negative once it has."""
        return int((self.expires_s - now_s) // 86_400)


def fits(host: str, pattern: str) -> bool:
    """Whether a name in a certificate covers a host; `*` stands for the first label alone (RFC 9525)."""
    host, pattern = host.lower().rstrip("."), pattern.lower().rstrip(".")
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:] and bool(host.partition(".")[0])
    return host == pattern
