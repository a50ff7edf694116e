"""Certificates as clients judge them: the path that verifies decides, and each fault is told in words to act on."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from probes.prober import Observation
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import OK, answering, serving

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
HOST = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))


@dataclass(frozen=True)
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def issue(
    name: str, issuer: Issued | None = None, *, key: Key | None = None, days: tuple[float, float] = (-30, 300),
    authority: bool = False, names: Sequence[x509.GeneralName] = HOST, extra: Sequence[x509.ExtensionType] = (),
) -> Issued:  # fmt: skip
    """A certificate for these names; an authority when it is to sign others."""
    # Now and not at the import: a run of all tests takes longer than the minutes that are added.
    now = datetime.datetime.now(datetime.UTC)
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(issuer.certificate.subject if issuer else subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1], minutes=5))
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
    )
    if names and not authority:
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for extension in extra:
        made = made.add_extension(extension, critical=True)
    signer = issuer.key if issuer else key
    return Issued(made.sign(signer, hashes.SHA256()), key)


def server(home: Path, leaf: Issued, *sent: Issued) -> ssl.SSLContext:
    """A server that sends the leaf and the others, in that order."""
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = home / f"{leaf.certificate.serial_number}.pem"
    path.write_bytes(key + "".join(each.pem for each in (leaf, *sent)).encode())
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # A client refuses what is weak; the server of a test must be able to show it.
    made.set_ciphers("DEFAULT:@SECLEVEL=0")
    made.load_cert_chain(path)
    return made


async def both(tls: ssl.SSLContext, ca: Issued | None, **config: Any) -> tuple[Observation, Observation]:
    """What `tls` and `https` see of one server."""
    trust = {"ca_pem": ca.pem} if ca else {}
    async with serving(answering(OK), tls) as port:
        shared = {**trust, **config}
        seen = await looked("tls", {"host": "127.0.0.1", "port": port, **shared}, now_s=time.time())
        days = [{"type": "certificate_days", "degraded_days": 14, "down_days": 3}]
        url = {"url": f"https://127.0.0.1:{port}/", "assertions": days, **shared}
        return seen, await looked("http", url, now_s=time.time())


def test_b2_07_an_expired_certificate_that_nobody_needs_is_a_fact(on_loop: Any, tmp_path: Path) -> None:
    root = issue("R", authority=True)
    old = issue("O", authority=True, days=(-900, 900))
    crossed = issue("R", old, key=root.key, authority=True, days=(-400, -1))
    leaf = issue("leaf", root)
    tls, http = on_loop(both(server(tmp_path, leaf, crossed), root))
    assert (tls.status, http.status) == (Status.UP, Status.UP), (tls.detail, http.detail)
    assert (tls.facts["chain"], tls.facts["chain_extra"]) == (2, "R")
    assert tls.facts["certificate_days"] == http.facts["certificate_days"] == 300


@pytest.mark.parametrize(
    ("days", "status", "reason"),
    [(300, Status.UP, Reason.OK), (10, Status.DEGRADED, Reason.CERTIFICATE_EXPIRING),
     (2, Status.DOWN, Reason.CERTIFICATE_EXPIRING)],
)  # fmt: skip
def test_a_path_that_ends_soon_warns_whichever_of_it_ends(
    on_loop: Any, tmp_path: Path, days: int, status: Status, reason: Reason
) -> None:
    root = issue("R", authority=True)
    middle = issue("M", root, authority=True, days=(-30, days))
    tls, http = on_loop(both(server(tmp_path, issue("leaf", middle), middle), root))
    assert [(seen.status, seen.reason) for seen in (tls, http)] == [(status, reason)] * 2
    assert status is Status.UP or "M in the chain" in tls.detail


def test_a_partial_chain_verifies_by_what_is_trusted(on_loop: Any, tmp_path: Path) -> None:
    root = issue("R", authority=True, days=(-30, 300))
    middle = issue("M", root, authority=True)
    leaf = issue("leaf", middle)
    sent = server(tmp_path, leaf, middle)
    for trusted in (root, middle, leaf):
        assert [seen.status for seen in on_loop(both(sent, trusted))] == [Status.UP] * 2


def test_b2_08_the_soonest_certificate_of_all_hops_decides_and_is_named(on_loop: Any, tmp_path: Path) -> None:
    root = issue("R", authority=True)

    async def story() -> Observation:
        async with serving(answering(OK), server(tmp_path, issue("B", root))) as end:
            moved = f"HTTP/1.1 302 Found\r\nLocation: https://localhost:{end}/\r\nContent-Length: 0\r\n\r\n".encode()
            async with serving(answering(moved), server(tmp_path, issue("A", root, days=(-30, 2)))) as start:
                days = [{"type": "certificate_days", "degraded_days": 14}]
                config = {"url": f"https://localhost:{start}/", "ca_pem": root.pem, "assertions": days}
                seen = await looked("http", config, now_s=time.time())
                assert f"localhost:{start}, before the redirect" in seen.detail
                return seen

    seen = on_loop(story())
    assert (seen.status, seen.reason) == (Status.DEGRADED, Reason.CERTIFICATE_EXPIRING)
    assert (seen.facts["certificate_subject"], seen.facts["certificate_days"]) == ("A", 2)


ROOT = issue("R", authority=True)
OTHER = issue("O", authority=True)
MIDDLE = issue("M", ROOT, authority=True)
ENDED = issue("M2", ROOT, authority=True, days=(-30, -2))
NO_AUTHORITY = issue("N", ROOT, names=())
NARROW = issue(
    "C", ROOT, authority=True, extra=[x509.NameConstraints([x509.DNSName("example.com")], [x509.IPAddress(
        ipaddress.ip_network("127.0.0.0/8"))])],
)  # fmt: skip


@pytest.mark.parametrize(
    ("leaf", "sent", "reason", "words"),
    [
        pytest.param(issue("L", ROOT, days=(-30, -2)), (), Reason.CERTIFICATE_EXPIRED, "it expired on ", id="expired"),
        pytest.param(issue("L", ENDED), (ENDED,), Reason.CERTIFICATE_EXPIRED,
                     "the certificate of its issuer M2 expired on ", id="expired intermediate"),
        pytest.param(issue("L", ROOT, days=(2, 30)), (), Reason.CERTIFICATE_INVALID, "it is not valid before ",
                     id="not yet valid"),
        pytest.param(issue("L", ROOT, names=[x509.DNSName("a.example"), x509.DNSName("b.example")]), (),
                     Reason.CERTIFICATE_INVALID, "it is for a.example, b.example, not for 127.0.0.1", id="wrong host"),
        pytest.param(issue("L"), (), Reason.CERTIFICATE_INVALID, "it is self-signed", id="self-signed"),
        pytest.param(issue("L", OTHER), (OTHER,), Reason.CERTIFICATE_INVALID, "its authority O is not trusted",
                     id="unknown root"),
        pytest.param(issue("L", MIDDLE), (), Reason.CERTIFICATE_INVALID,
                     "the server sent no certificate of its issuer M: install the full chain", id="no intermediate"),
        pytest.param(issue("L", ROOT, extra=[x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH])]), (),
                     Reason.CERTIFICATE_INVALID, "it is not made for servers", id="wrong purpose"),
        pytest.param(issue("L", NO_AUTHORITY), (NO_AUTHORITY,), Reason.CERTIFICATE_INVALID, "is no authority",
                     id="issuer is no authority"),
        pytest.param(issue("L", NARROW), (NARROW,), Reason.CERTIFICATE_INVALID, "name constraints", id="constraints"),
        pytest.param(issue("L", ROOT, key=rsa.generate_private_key(65537, 1024)), (), Reason.CERTIFICATE_INVALID,
                     "its key is too short", id="short key"),
        pytest.param(issue("L", names=(), days=(-30, 30)), (), Reason.CERTIFICATE_INVALID, "self-signed", id="no name"),
    ],
)  # fmt: skip
def test_each_fault_is_told_in_words_to_act_on(
    on_loop: Any, tmp_path: Path, leaf: Issued, sent: tuple[Issued, ...], reason: Reason, words: str
) -> None:
    for seen in on_loop(both(server(tmp_path, leaf, *sent), ROOT)):
        assert (seen.status, seen.reason) == (Status.DOWN, reason), seen.detail
        assert words in seen.detail


def test_an_authority_that_has_expired_where_it_is_trusted_is_not_the_server_s_to_renew(
    on_loop: Any, tmp_path: Path
) -> None:
    ended = issue("R", key=ROOT.key, authority=True, days=(-30, -2))
    for seen in on_loop(both(server(tmp_path, issue("L", ROOT)), ended)):
        assert (seen.status, seen.reason) == (Status.DOWN, Reason.CERTIFICATE_EXPIRED)
        assert "the certificate of its authority R that is trusted here has expired" in seen.detail


def test_a_name_in_the_common_name_only_is_degraded_since_browsers_refuse_it(on_loop: Any, tmp_path: Path) -> None:
    leaf = issue("localhost", ROOT, names=())
    for seen in on_loop(both(server(tmp_path, leaf), ROOT, server_name="localhost")):
        assert (seen.status, seen.reason) == (Status.DEGRADED, Reason.CERTIFICATE_INVALID)
        assert "common name only" in seen.detail
    for seen in on_loop(both(server(tmp_path, leaf), None, verify_tls=False)):
        assert seen.status is Status.UP


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (bytes.fromhex("15030300020228"), "it wants a client certificate"),
        (bytes.fromhex("15030300020246"), "offer TLS 1.2 or 1.3"),
        (bytes.fromhex("15030300020270"), "it knows no such host name"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "no TLS on this port"),
    ],
)
def test_a_handshake_that_fails_says_what_to_look_at(on_loop: Any, answer: bytes, words: str) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(answer)
        await writer.drain()

    async def story() -> Observation:
        async with serving(refuse) as port:
            return await looked("tls", {"host": "127.0.0.1", "port": port})

    seen = on_loop(story())
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TLS_ERROR)
    assert words in seen.detail
