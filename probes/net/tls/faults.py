"""Faults of a certificate that does not verify, in words that say what to do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from probes.net.tls.options import Certificate

#: OpenSSL's numbers (X509_V_ERR_...).
NOT_YET_VALID, EXPIRED = 9, 10
_SELF_SIGNED, _UNKNOWN_ROOT = 18, 19
_NO_ISSUER = frozenset({2, 20, 21, 27})
WRONG_NAME = frozenset({62, 63, 64})
_NAMES_SHOWN = 3
_WORDS = {
    7: "its signature is not that of its issuer: install the right chain on the server",
    22: "the chain is too long",
    23: "it is revoked: replace it",
    24: "one of its issuers is no authority: install the right chain on the server",
    25: "the chain is longer than its authority allows",
    26: "it is not made for servers (extended key usage): reissue it for server authentication",
    47: "its authority may not issue for this name (name constraints)",
    48: "its authority may not issue for this name (name constraints)",
    66: "its key is too short: reissue it with an RSA key of 2048 bits or more, or an elliptic curve",
    67: "the key of its authority is too short: have it issued by another one",
    68: "it is signed with a hash that is too weak, such as SHA-1: reissue it",
    79: "one of its issuers is no authority: install the right chain on the server",
}


def fault(code: int, message: str, chain: Sequence[Certificate], host: str, now_s: float) -> str:
    """What is wrong and what to do.

    `code` and `message` are OpenSSL's, `chain` is what the server sent, leaf first, at `now_s` (seconds since 1970).
    """
    if not chain:
        return message
    leaf, last = chain[0], chain[-1]
    if code == EXPIRED:
        worst = min(chain, key=_expiry)
        if worst.expires_s > now_s:
            return f"the certificate of its authority {last.issuer} that is trusted here has expired: trust its new one"
        return f"{_whose(worst, leaf)} expired on {_day(worst.expires_s)}: {_renew(worst, leaf)}"
    if code == NOT_YET_VALID:
        newest = max(chain, key=_begin)
        if newest.begins_s <= now_s:
            return f"the certificate of its authority {last.issuer} that is trusted here is not valid yet"
        return f"{_whose(newest, leaf)} is not valid before {_day(newest.begins_s)}: check its dates, and the clocks"
    if code == _SELF_SIGNED:
        return "it is self-signed, so no authority vouches for it: get one from an authority, or give it as `ca_pem`"
    if code == _UNKNOWN_ROOT:
        return f"its authority {last.subject} is not trusted: get one from a public authority, or give it as `ca_pem`"
    if code in _NO_ISSUER:
        return (
            f"the server sent no certificate of its issuer {last.issuer}: install the full chain, with intermediates; "
            "if that is an authority of your own, give it as `ca_pem`"
        )
    if code in WRONG_NAME:
        return _wrong_name(leaf, host)
    return _WORDS.get(code, message)


def _wrong_name(leaf: Certificate, host: str) -> str:
    if not leaf.names:
        return f"it names no host but in its common name, which clients ignore: reissue it with {host} as its name"
    shown = ", ".join(leaf.names[:_NAMES_SHOWN])
    more = f" and {len(leaf.names) - _NAMES_SHOWN} more" if len(leaf.names) > _NAMES_SHOWN else ""
    return f"it is for {shown}{more}, not for {host}: reissue it, or set `server_name`"


def _whose(certificate: Certificate, leaf: Certificate) -> str:
    return "it" if certificate is leaf else f"the certificate of its issuer {certificate.subject}"


def _renew(certificate: Certificate, leaf: Certificate) -> str:
    return "renew it" if certificate is leaf else "install the current chain on the server"


def _day(moment_s: int) -> str:
    return datetime.fromtimestamp(moment_s, UTC).date().isoformat()


def _expiry(certificate: Certificate) -> int:
    return certificate.expires_s


def _begin(certificate: Certificate) -> int:
    return certificate.begins_s
