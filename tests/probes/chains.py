"""Chains of certificates of any length, made to measure."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def chain_of(length: int, home: Path, days: Sequence[int] = ()) -> tuple[ssl.SSLContext, str]:
    """A server that presents so many certificates, each signed by the next, and the authority behind them (PEM).

    They are valid for 30 days, or from the leaf on for as many as `days` says.
    """
    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(length + 1)]
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"link {n}")]) for n in range(length + 1)]
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    pems = []
    for place in range(length + 1):
        signer = min(place + 1, length)
        made = (
            x509.CertificateBuilder(names[signer], names[place], keys[place].public_key(), place + 1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=days[place] if place < len(days) else 30, minutes=5))
            .add_extension(x509.BasicConstraints(place > 0, None), critical=True)
            .add_extension(address, critical=False)
            .sign(keys[signer], hashes.SHA256())
        )
        pems.append(made.public_bytes(serialization.Encoding.PEM))
    key = keys[0].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = home / "chain.pem"
    path.write_bytes(key + b"".join(pems[:length]))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, pems[-1].decode()
