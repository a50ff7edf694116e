"""What a monitor may choose of TLS: authorities, names, versions, and a certificate of its own to show."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
import trustme

from probes.net.tls.options import TlsOptions
from probes.prober import Observation, SpecError
from probes.probers import parse_spec, validate_secrets
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import OK, answering, serving

#: TLS 1.3 refuses a client once that thinks it is done, with an alert, or without a word.
REFUSALS = (Reason.TLS_ERROR, Reason.RESET)


def identity(authority: trustme.CA, name: str = "prober@example.com") -> dict[str, str]:
    """A client certificate and its key, as the secrets of a monitor."""
    leaf = authority.issue_cert(name)
    chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
    return {"client_certificate": chain.decode(), "client_key": leaf.private_key_pem.bytes().decode()}


def asking(server: trustme.LeafCert, clients: trustme.CA) -> ssl.SSLContext:
    """A server that wants to see a certificate of that authority."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.configure_cert(made)
    made.verify_mode = ssl.CERT_REQUIRED
    clients.configure_trust(made)
    return made


async def look_at(server: ssl.SSLContext, secrets: dict[str, str] | None = None, **config: Any) -> Observation:
    async with serving(answering(OK), server) as port:
        return await looked("http", {"url": f"https://127.0.0.1:{port}/", **config}, secrets)


def test_a_client_certificate_is_shown_to_who_asks_for_it(on_loop: Any, trusted: trustme.CA) -> None:
    server = asking(trusted.issue_cert("127.0.0.1"), trusted)
    assert on_loop(look_at(server, identity(trusted))).status is Status.UP
    for secrets in (None, identity(trustme.CA())):
        refused = on_loop(look_at(server, secrets))
        assert (refused.status, refused.reason in REFUSALS) == (Status.DOWN, True)


@pytest.mark.parametrize("kind", ["tcp", "tls"])
def test_other_probers_show_it_too(on_loop: Any, trusted: trustme.CA, kind: str) -> None:
    server = asking(trusted.issue_cert("127.0.0.1"), trusted)

    async def story() -> Observation:
        async with serving(answering(b"hello\n"), server) as port:
            config: dict[str, object] = {"host": "127.0.0.1", "port": port}
            if kind == "tcp":
                config |= {"tls": True, "send": "\r\n\r\n", "expect": "hello"}
            return await looked(kind, config, identity(trusted))

    assert on_loop(story()).status is Status.UP


def test_a_redirect_to_another_origin_is_not_shown_the_certificate(on_loop: Any, trusted: trustme.CA) -> None:
    server = asking(trusted.issue_cert("127.0.0.1"), trusted)

    async def story() -> Observation:
        async with serving(answering(OK), server) as end:
            redirect = f"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1:{end}/\r\nContent-Length: 0\r\n\r\n"
            async with serving(answering(redirect.encode()), server) as start:
                return await looked("http", {"url": f"https://127.0.0.1:{start}/"}, identity(trusted))

    assert on_loop(story()).reason in REFUSALS


def test_an_authority_of_ones_own_replaces_those_of_the_system(on_loop: Any, trusted: trustme.CA) -> None:
    own = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.issue_cert("127.0.0.1").configure_cert(server)
    assert on_loop(look_at(server)).reason is Reason.CERTIFICATE_INVALID
    assert on_loop(look_at(server, ca_pem=own.cert_pem.bytes().decode())).status is Status.UP
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.issue_cert("127.0.0.1").configure_cert(other)
    assert on_loop(look_at(other, ca_pem=own.cert_pem.bytes().decode())).reason is Reason.CERTIFICATE_INVALID


def test_another_name_can_be_asked_for_and_verified(on_loop: Any, trusted: trustme.CA) -> None:
    names: list[str | None] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.issue_cert("api.example").configure_cert(server)
    server.sni_callback = lambda _, name, __: names.append(name)
    assert on_loop(look_at(server, server_name="API.example")).status is Status.UP
    assert names == ["api.example"]
    assert on_loop(look_at(server, server_name="other.example")).reason is Reason.CERTIFICATE_INVALID


def test_the_oldest_version_can_be_raised(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    server = server_tls(trusted.issue_cert("127.0.0.1"))
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    assert on_loop(look_at(server)).status is Status.UP
    assert on_loop(look_at(server, min_tls="1.3")).reason is Reason.TLS_ERROR


ENCRYPTED = """-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgAAAAAAAAAAAICCAAw
-----END ENCRYPTED PRIVATE KEY-----
"""


def test_a_certificate_that_could_not_be_shown_is_refused_without_quoting_it(trusted: trustme.CA) -> None:
    good, other = identity(trusted), identity(trusted)
    for secrets, words in [
        ({"client_certificate": good["client_certificate"]}, "come together"),
        ({**good, "client_key": other["client_key"]}, "is not that of the client certificate"),
        ({**good, "client_certificate": "planted-text"}, "no PEM certificate"),
        ({**good, "client_key": "planted-text"}, "no PEM private key"),
        ({**good, "client_key": ENCRYPTED}, "client key is"),
    ]:
        with pytest.raises(SpecError) as refused:
            validate_secrets("http", secrets)
        assert words in str(refused.value)
        assert "planted" not in str(refused.value)
    validate_secrets("http", good)


def test_a_handshake_does_not_show_its_key_when_it_is_printed(trusted: trustme.CA) -> None:
    secrets = identity(trusted)
    assert "PRIVATE KEY" not in repr(TlsOptions(client_key=secrets["client_key"]))


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"ca_pem": "nonsense"}, "ca_pem: is one or more PEM certificates"),
        ({"ca_pem": "x" * 70_000}, "ca_pem: at most 64 KiB"),
        ({"verify_tls": False, "ca_pem": "x"}, "ca_pem: is of no use with verify_tls off"),
        ({"min_tls": "1.1"}, "min_tls: "),
        ({"server_name": "a b"}, "server_name: "),
        ({"redirect_limit": 51}, "redirect_limit: is between 0 and 50"),
        ({"provider": "Open AI"}, "provider: is the name of a preset"),
    ],
)
def test_choices_that_cannot_work_are_refused(config: dict[str, object], line: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec("http", {"url": "https://example.com/", **config})
    assert str(refused.value).startswith(line)
