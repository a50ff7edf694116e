"""Certificates as a person reads them: whose, signed by whom, for which names, until when, with which key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from probes.prober import printable

#: More of a chain, and more names of one certificate, are only counted.
_CHAIN_MOST, _NAMES_MOST = 8, 6


def spelled(chain: Sequence[bytes], now_s: float) -> list[dict[str, Any]]:
    """What the certificates of a chain (DER, leaf first) say; what a stranger's bytes do not say is left out."""
    return [_spelled(der, now_s) for der in chain[:_CHAIN_MOST]]


def lines(certificates: Sequence[dict[str, Any]], presented: int) -> list[str]:
    """The same for people: a few lines a certificate."""
    shown = []
    for number, one in enumerate(certificates):
        if "problem" in one:
            shown.append(f"  certificate {number}  {one['problem']}")
            continue
        shown.append(f"  certificate {number}  {one['subject']}")
        shown.append(f"    signed by    {one['issuer']}")
        if one["names"]:
            more = f" and {one['more_names']} more" if one["more_names"] else ""
            shown.append(f"    for          {', '.join(one['names'])}{more}")
        shown.append(f"    valid        {one['valid_from']} to {one['valid_until']}, {_left(one['days_left'])}")
        shown.append(f"    key          {one['key']}, signed with {one['signature']}")
        shown.append(f"    sha256       {one['sha256']}")
    if presented > len(certificates):
        shown.append(f"  and {presented - len(certificates)} more in the chain")
    return shown


def _left(days: int) -> str:
    return f"{days} days left" if days >= 0 else f"expired {-days} days ago"


def _spelled(der: bytes, now_s: float) -> dict[str, Any]:
    try:
        one = x509.load_der_x509_certificate(der)
        names = _names(one)
        until = one.not_valid_after_utc
        return {
            "subject": printable(one.subject.rfc4514_string()) or "(no subject)",
            "issuer": printable(one.issuer.rfc4514_string()),
            "names": [printable(name)[:100] for name in names[:_NAMES_MOST]],
            "more_names": max(0, len(names) - _NAMES_MOST),
            "valid_from": one.not_valid_before_utc.strftime("%Y-%m-%d"),
            "valid_until": until.strftime("%Y-%m-%d %H:%M UTC"),
            "days_left": (until - datetime.fromtimestamp(now_s, UTC)).days,
            "key": _key(one),
            "signature": str(getattr(one.signature_algorithm_oid, "_name", "?")),
            "sha256": one.fingerprint(SHA256()).hex(),
        }
    except (ValueError, TypeError, x509.DuplicateExtension):
        return {"problem": f"{len(der)} bytes that are no certificate"}


def _names(one: x509.Certificate) -> list[str]:
    try:
        alternatives = one.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in alternatives]


def _key(one: x509.Certificate) -> str:
    key = one.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA {key.curve.name}"
    return (
        f"RSA {key.key_size} bit" if isinstance(key, rsa.RSAPublicKey) else type(key).__name__.removesuffix("PublicKey")
    )
