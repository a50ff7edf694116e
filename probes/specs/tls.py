"""TLS fields and secrets that several specs share, their validation, and the options made from them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from probes.net.targets import BadTarget, parse_host
from probes.net.tls.certificates import authorities_problem, identity_problem
from probes.net.tls.options import TlsOptions
from probes.prober import SpecError
from probes.specs.family import FamilyField

CLIENT_CERTIFICATE = "client_certificate"
CLIENT_KEY = "client_key"
_PEM_LIMIT = 65_536


class TlsFields(FamilyField, frozen=True, kw_only=True):
    """`verify_tls` off accepts any certificate; `ca_pem` is trusted instead of the system's authorities.

    `server_name` is sent (SNI) and verified instead of the host; `min_tls` is the lowest version accepted.
    """

    verify_tls: bool = True
    ca_pem: str = ""
    server_name: str = ""
    min_tls: Literal["1.2", "1.3"] = "1.2"


def validate_tls(spec: TlsFields) -> None:
    """Refuse TLS fields that no handshake can use; raises SpecError."""
    if len(spec.ca_pem) > _PEM_LIMIT:
        raise SpecError("ca_pem", f"at most {_PEM_LIMIT // 1024} KiB")
    if spec.ca_pem and not spec.verify_tls:
        raise SpecError("ca_pem", "is of no use with verify_tls off: leave one of them out")
    problem = authorities_problem(spec.ca_pem) if spec.ca_pem else None
    if problem is not None:
        raise SpecError("ca_pem", problem)
    if spec.server_name:
        try:
            parse_host(spec.server_name)
        except BadTarget as error:
            raise SpecError("server_name", str(error)) from None


def validate_identity(secrets: Mapping[str, str]) -> None:
    """Refuse a client certificate that is invalid or comes without its key; raises SpecError."""
    certificate, key = secrets.get(CLIENT_CERTIFICATE), secrets.get(CLIENT_KEY)
    if certificate is None and key is None:
        return
    if certificate is None or key is None:
        raise SpecError("secrets", f"{CLIENT_CERTIFICATE} and {CLIENT_KEY} come together")
    if len(certificate) > _PEM_LIMIT or len(key) > _PEM_LIMIT:
        raise SpecError("secrets", f"a PEM text has at most {_PEM_LIMIT // 1024} KiB")
    problem = _identity_problem(certificate, key)
    if problem is not None:
        raise SpecError(f"secrets.{CLIENT_CERTIFICATE}", problem)


@lru_cache(maxsize=256)
def _identity_problem(certificate: str, key: str) -> str | None:
    return identity_problem(certificate, key)


def tls_options_of(spec: TlsFields, secrets: Mapping[str, str], alpn: str) -> TlsOptions:
    """The TLS options of a spec and its secrets."""
    return TlsOptions(
        spec.verify_tls,
        spec.ca_pem,
        spec.min_tls,
        alpn,
        secrets.get(CLIENT_CERTIFICATE, ""),
        secrets.get(CLIENT_KEY, ""),
    )


def server_name_of(spec: TlsFields, host: str) -> str:
    """The name to send (SNI) and to verify."""
    return parse_host(spec.server_name)[0] if spec.server_name else host
