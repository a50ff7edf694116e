"""A network that interferes costs its region the vote; a provider that fails does not hide behind it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
import trustme

from probes.ai.interference import is_bogus, is_of_provider
from probes.net.guard import Egress
from probes.prober import Observation
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import OK, answering, serving, way_out

HOST = "api.openai.com"


@pytest.mark.parametrize(
    ("host", "known"),
    [
        (HOST, True),
        ("eu.api.openai.com", True),
        ("API.ANTHROPIC.COM.", True),
        ("api.openai.com.evil", False),
        ("notopenai.com", False),
        ("mine.openai.azure.com", False),
        ("127.0.0.1", False),
    ],
)
def test_only_hosts_of_known_providers_are_looked_into(host: str, known: bool) -> None:
    assert is_of_provider(host) is known


@pytest.mark.parametrize(
    ("address", "bogus"),
    [("10.10.34.34", True), ("127.0.0.1", True), ("::1", True), ("104.18.6.192", False), ("x", False)],
)
def test_no_public_service_is_at_a_private_address(address: str, bogus: bool) -> None:
    assert is_bogus(address) is bogus


async def _resolved(_host: str) -> list[str]:
    return ["127.0.0.1"]


async def look(port: int, host: str = HOST, egress: Egress = Egress.PRIVATE) -> Observation:
    """One look at a host that a resolver has put at 127.0.0.1."""
    async with way_out() as own:
        dialer = replace(own, resolve=_resolved, egress=egress)
        return await looked("http", {"url": f"https://{host}:{port}/v1/models", "provider": "openai"}, dialer=dialer)


@contextlib.asynccontextmanager
async def censor(behind: int, name: bytes) -> AsyncIterator[int]:
    """A way to a server on which a connection that sends this name is reset, as a filter of names does it."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.read(4096)
        if name in hello:
            # It ends without a word of TLS: for the client that is a reset in the handshake.
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", behind)
        try:
            far_writer.write(hello)
            # The answer to the greeting is the whole handshake of TLS 1.3 as the client sees it.
            while piece := await far_reader.read(4096):
                writer.write(piece)
        finally:
            far_writer.transport.abort()

    async with serving(pass_on) as port:
        yield port


def test_a_name_that_is_reset_costs_the_vote(on_loop: Any, trusted: trustme.CA, server_tls: Callable[..., Any]) -> None:
    tls: ssl.SSLContext = server_tls(trusted.issue_cert(HOST))

    async def story() -> list[Observation]:
        async with serving(answering(OK), tls) as far, censor(far, HOST.encode()) as port:
            return [await look(port), await look(port, "example.com")]

    reset, other = on_loop(story())
    assert (reset.status, reset.reason) == (Status.UNKNOWN, Reason.INTERFERED)
    assert reset.facts == {
        "address": "127.0.0.1", "phase": "tls", "server_name": HOST, "interference": "name_reset"
    }  # fmt: skip
    assert "is reset once it names api.openai.com" in reset.detail
    assert other.reason is not Reason.INTERFERED


def test_a_provider_that_resets_everybody_is_down(on_loop: Any) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.transport.abort()

    async def story() -> Observation:
        async with serving(hang_up) as port:
            return await look(port)

    seen = on_loop(story())
    assert (seen.status, seen.reason in (Reason.RESET, Reason.TLS_ERROR)) == (Status.DOWN, True)


def test_a_certificate_of_another_name_costs_the_vote_and_an_untrusted_one_does_not(
    on_loop: Any, trusted: trustme.CA, server_tls: Callable[..., Any]
) -> None:
    async def story(certificate: trustme.LeafCert) -> Observation:
        async with serving(answering(OK), server_tls(certificate)) as port:
            return await look(port)

    other = on_loop(story(trusted.issue_cert("portal.example.net")))
    untrusted = on_loop(story(trustme.CA().issue_cert(HOST)))

    assert (other.status, other.reason) == (Status.UNKNOWN, Reason.INTERFERED)
    assert other.facts["interference"] == "other_certificate"
    assert (untrusted.status, untrusted.reason) == (Status.DOWN, Reason.CERTIFICATE_INVALID)


def test_a_private_address_for_a_public_provider_is_bogus_and_never_dialled(on_loop: Any) -> None:
    seen = on_loop(look(443, egress=Egress.PUBLIC))
    own = on_loop(look(443, "intranet.example.com", Egress.PUBLIC))

    assert (seen.status, seen.reason, seen.facts["interference"]) == (
        Status.UNKNOWN, Reason.INTERFERED, "bogus_address"
    )  # fmt: skip
    assert (own.status, own.reason) == (Status.UNKNOWN, Reason.BLOCKED)
