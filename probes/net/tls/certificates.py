"""TLS contexts, one for each set of options, and certificate parsing."""

from __future__ import annotations

import datetime
import hashlib
import os
import ssl
import tempfile
from collections.abc import Sequence
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from probes.net.tls.options import BadCertificate, Certificate, TlsOptions

#: Names of one certificate that are kept.
_NAMES_MOST = 200
#: Larger certificates are read anew each time (bytes): a server may send another large one at each check.
_SMALL = 4096
#: Certificates of one path that are read; no honest path is longer.
_PATH_READ = 10
#: The number of DER in OpenSSL's module of Python.
_DER = 2


@lru_cache(maxsize=64)
def context(options: TlsOptions) -> ssl.SSLContext:
    """The client context for these options, made once; raises BadCertificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not options.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif options.ca_pem:
        made.load_verify_locations(cadata=options.ca_pem)
    else:
        _trust_the_system(made)
    made.minimum_version = ssl.TLSVersion.TLSv1_3 if options.least_version == "1.3" else ssl.TLSVersion.TLSv1_2
    if options.alpn:
        made.set_alpn_protocols([options.alpn])
    # A server that renegotiates again and again would keep a worker busy.
    made.options |= ssl.OP_NO_RENEGOTIATION
    # As curl: a trusted certificate ends the path, whether or not it is a root.
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if options.client_certificate:
        made.post_handshake_auth = True
        _load_identity(made, options.client_certificate, options.client_key)
    return made


def _trust_the_system(made: ssl.SSLContext) -> None:
    made.load_default_certs()
    paths = ssl.get_default_verify_paths()
    if not made.cert_store_stats()["x509_ca"] and not (paths.capath and os.listdir(paths.capath)):
        import certifi

        made.load_verify_locations(certifi.where())


def _load_identity(made: ssl.SSLContext, certificate: str, key: str) -> None:
    # OpenSSL loads from a path only, and a user's private key must not be written to disk.
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
        path = f"/proc/self/fd/{descriptor}"
    else:
        descriptor, path = tempfile.mkstemp()
        os.unlink(path)
        path = f"/dev/fd/{descriptor}"
    try:
        with os.fdopen(descriptor, "w") as pem:
            pem.write(f"{key.strip()}\n{certificate.strip()}\n")
            pem.flush()
            made.load_cert_chain(path, password=lambda: b"")
    except (ssl.SSLError, OSError):
        raise BadCertificate("the client certificate and its key do not go together") from None


def identity_problem(certificate: str, key: str) -> str | None:
    """What is wrong with a client certificate (PEM, leaf first) and its key (PEM, not encrypted), or None."""
    try:
        leaf = x509.load_pem_x509_certificates(certificate.encode())[0]
    except ValueError:
        return "the client certificate is no PEM certificate"
    try:
        private = load_pem_private_key(key.encode(), None)
    except TypeError:
        return "the client key is encrypted; give it without a passphrase, it is stored sealed"
    except ValueError:
        return "the client key is no PEM private key"
    shape = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if private.public_key().public_bytes(*shape) != leaf.public_key().public_bytes(*shape):
        return "the client key is not that of the client certificate"
    return None


def authorities_problem(pem: str) -> str | None:
    """What is wrong with the authorities (PEM) that a monitor trusts, or None."""
    try:
        x509.load_pem_x509_certificates(pem.encode())
        context(TlsOptions(ca_pem=pem))
    except (ValueError, ssl.SSLError):
        return "is one or more PEM certificates, from -----BEGIN CERTIFICATE----- on"
    return None


def read(der: bytes) -> Certificate | None:
    """What a DER certificate says, or None when it cannot be parsed (attacker bytes: never an error)."""
    return _read_small(der) if len(der) <= _SMALL else _read(der)


@lru_cache(maxsize=2048)
def _read_small(der: bytes) -> Certificate | None:
    return _read(der)


def _read(der: bytes) -> Certificate | None:
    try:
        parsed = x509.load_der_x509_certificate(der)
        return Certificate(
            _name(parsed.subject),
            _name(parsed.issuer),
            _seconds(parsed.not_valid_after_utc),
            _names(parsed),
            hashlib.sha256(der).hexdigest(),
            hashlib.sha256(_public_key(parsed)).hexdigest(),
            _seconds(parsed.not_valid_before_utc),
        )
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _names(parsed: x509.Certificate) -> tuple[str, ...]:
    """Hosts and addresses of the subject's alternative names."""
    try:
        extension = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ()
    hosts = extension.get_values_for_type(x509.DNSName)
    addresses = map(str, extension.get_values_for_type(x509.IPAddress))
    return tuple(name[:255] for name in (*hosts, *addresses))[:_NAMES_MOST]


def _public_key(parsed: x509.Certificate) -> bytes:
    return parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def path(tls: ssl.SSLObject) -> list[Certificate]:
    """The certificates from the server's own to the authority that is trusted, as far as they can be read.

    Without verification it goes as far as the server sent them. What was sent on top is of no account.
    """
    if tls.context.verify_mode == ssl.CERT_NONE:
        return _linked(sent(tls))
    if hasattr(tls, "get_verified_chain"):
        chain = list(tls.get_verified_chain())
    else:
        # Python 3.10 to 3.12 have it on the object inside only.
        inside = tls._sslobj.get_verified_chain() or []  # type: ignore[attr-defined]
        chain = [each.public_bytes(_DER) for each in inside]
    return [each for each in map(read, chain[:_PATH_READ]) if each is not None]


def sent(tls: ssl.SSLObject) -> list[Certificate]:
    """The certificates that the server sent, leaf first, as far as they can be read."""
    return [each for each in map(read, presented(tls)[:_PATH_READ]) if each is not None]


def soonest(certificates: Sequence[Certificate]) -> Certificate | None:
    """The certificate that expires first."""
    return min(certificates, key=_expiry, default=None)


def _linked(parsed: list[Certificate]) -> list[Certificate]:
    """The leaf and, one after another, the issuers among the certificates sent; of equals the longest lasting."""
    linked = parsed[:1]
    while linked and len(linked) < len(parsed):
        last = linked[-1]
        issuers = [each for each in parsed if each.subject == last.issuer and each not in linked]
        if not issuers or last.subject == last.issuer:
            break
        linked.append(max(issuers, key=_expiry))
    return linked


def _expiry(certificate: Certificate) -> int:
    return certificate.expires_s


def presented(tls: ssl.SSLObject) -> list[bytes]:
    """The certificates (DER) that the server sent, leaf first."""
    if hasattr(tls, "get_unverified_chain"):
        return list(tls.get_unverified_chain())
    # Python 3.10 to 3.12 have it on the object inside only.
    chain = tls._sslobj.get_unverified_chain() or []  # type: ignore[attr-defined]
    return [each.public_bytes(_DER) for each in chain]


def _name(name: x509.Name) -> str:
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in name.get_attributes_for_oid(oid):
            return str(attribute.value)[:120]
    return name.rfc4514_string()[:120]


def _seconds(moment: datetime.datetime) -> int:
    return int(moment.timestamp())
