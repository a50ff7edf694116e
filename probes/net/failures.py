"""Exceptions of a check, and the table that turns each into a status and a reason.

Failure                   raised by our own code, carries its reason
├── Blocked               this region must not dial that address: no vote
├── NoRoute               this region has no such network (IPv6): no vote
├── NameNotResolved
├── ProtocolBroken        the answer is not the protocol
├── TooLarge              the answer breaks a cap that no honest answer breaks
├── TooManyRedirects
├── BadRedirect           the answer leads where no client can follow
├── UnverifiedCertificate (in probes/net/stream.py: it carries what the certificate says)
└── ClosedEarly           the connection ended before the answer did
"""

from __future__ import annotations

import errno
import ssl

from probes.reasons import Reason, Status
from probes.transport_faults import is_transport_fault

#: Failures of this machine, not of the target: out of descriptors, ports or buffers, or forbidden to send.
_OURS = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EACCES, errno.EPERM}
)


class Failure(Exception):
    """A failed check, with a text for people that holds no secret."""

    status: Status = Status.DOWN
    reason: Reason = Reason.PROTOCOL_ERROR


class Blocked(Failure):
    """`address` is the one that is refused; "" where that is not known."""

    status = Status.UNKNOWN
    reason = Reason.BLOCKED

    def __init__(self, text: str, address: str = "") -> None:
        super().__init__(text)
        self.address = address


class NoRoute(Failure):
    status = Status.UNKNOWN
    reason = Reason.BLOCKED


class NameNotResolved(Failure):
    reason = Reason.DNS_ERROR


class ProtocolBroken(Failure):
    reason = Reason.PROTOCOL_ERROR


class TooLarge(Failure):
    reason = Reason.TOO_LARGE


class TooManyRedirects(Failure):
    reason = Reason.TOO_MANY_REDIRECTS


class BadRedirect(Failure):
    reason = Reason.BAD_REDIRECT


class ClosedEarly(Failure):
    reason = Reason.RESET


class HandshakeCut(Failure):
    reason = Reason.TLS_ERROR


#: What a person can do about a handshake that fails, by OpenSSL's name of the failure.
_TLS_HINTS = {
    "DH_KEY_TOO_SMALL": "its Diffie-Hellman key is too short: use 2048 bits or more, or elliptic curves",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "no common version or cipher, or it wants a client certificate",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a client certificate",
    "TLSV1_ALERT_PROTOCOL_VERSION": "it speaks another version of TLS: offer TLS 1.2 or 1.3",
    "TLSV1_UNRECOGNIZED_NAME": "it knows no such host name (SNI)",
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": "its renegotiation is unsafe (RFC 5746): update the server",
    "UNSUPPORTED_PROTOCOL": "its version of TLS is too old: offer TLS 1.2 or 1.3",
    "WRONG_VERSION_NUMBER": "no TLS on this port",
}
#: Most specific first. A class that is not here is a fault of ours: UNKNOWN, `probe_error`.
_TABLE: tuple[tuple[type[BaseException], Reason, str], ...] = (
    (TimeoutError, Reason.TIMEOUT, "no answer in time"),
    (ssl.SSLError, Reason.TLS_ERROR, "the TLS handshake failed"),
    (ConnectionRefusedError, Reason.REFUSED, "connection refused"),
    (ConnectionError, Reason.RESET, "connection reset"),
    (OSError, Reason.UNREACHABLE, "unreachable"),
)


def explain(error: BaseException) -> tuple[Status, Reason, str] | None:
    """The status, reason and text of an exception, or None for an unexpected one."""
    if isinstance(error, Failure):
        return error.status, error.reason, str(error)
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno in _OURS:
        name = errno.errorcode.get(error.errno or 0, "?")
        return Status.UNKNOWN, Reason.PROBE_ERROR, f"this region cannot open a connection ({name})"
    for kind, reason, text in _TABLE:
        if isinstance(error, kind):
            return Status.DOWN, reason, _with_cause(error, text)
    return (Status.DOWN, Reason.RESET, "connection reset") if is_transport_fault(error) else None


def _with_cause(error: BaseException, text: str) -> str:
    if isinstance(error, ssl.SSLError):
        hint = _TLS_HINTS.get(error.reason or "")
        said = f"{text}: {(error.reason or 'unknown').replace('_', ' ').lower()}"
        return f"{said} ({hint})" if hint else said
    if isinstance(error, OSError) and not isinstance(error, TimeoutError | ConnectionError) and error.errno:
        return f"{text}: {errno.errorcode.get(error.errno, error.errno)}"
    return text
