"""The HTTP prober over TLS: certificates that hold, and every way in which they do not."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from typing import Any

import pytest
import trustme

from probes.prober import Observation
from probes.reasons import Reason, Status
from tests.probes.loopback import OK, Handler, answering, dripping, resetting, serving, silent
from tests.probes.probers.test_http import look

NOW = datetime.datetime.now(datetime.UTC)


def look_at_tls(server: ssl.SSLContext, host: str = "127.0.0.1", **config: Any) -> Any:
    async def story() -> Observation:
        async with serving(answering(OK), server) as port:
            return await look(f"https://{host}:{port}/", **config)

    return story()


def test_a_certificate_that_verifies_is_up_and_its_facts_are_kept(
    on_loop: Any, trusted: trustme.CA, server_tls: Any
) -> None:
    seen = on_loop(look_at_tls(server_tls(trusted.issue_cert("127.0.0.1", common_name="models"))))
    assert (seen.status, seen.reason) == (Status.UP, Reason.OK)
    assert seen.phases.tls_us > 0
    assert seen.facts["tls"] == "TLSv1.3"
    assert seen.facts["certificate_subject"] == "models"
    assert isinstance(seen.facts["certificate_days"], int)


def test_a_name_is_verified_and_sent_as_server_name(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    assert on_loop(look_at_tls(server_tls(trusted.issue_cert("localhost")), "localhost")).status is Status.UP


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_current_versions_of_tls_work(
    on_loop: Any, trusted: trustme.CA, server_tls: Any, version: ssl.TLSVersion
) -> None:
    server = server_tls(trusted.issue_cert("127.0.0.1"))
    server.minimum_version = server.maximum_version = version
    assert on_loop(look_at_tls(server)).status is Status.UP


def test_a_certificate_of_an_unknown_authority_is_invalid_and_still_shown(
    on_loop: Any, trusted: trustme.CA, server_tls: Any
) -> None:
    stranger = trustme.CA().issue_cert("127.0.0.1", common_name="stranger")
    seen = on_loop(look_at_tls(server_tls(stranger)))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.CERTIFICATE_INVALID)
    assert seen.facts["certificate_subject"] == "stranger"
    assert "certificate does not verify" in seen.detail


def test_a_certificate_for_another_name_is_invalid(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    seen = on_loop(look_at_tls(server_tls(trusted.issue_cert("other.example"))))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.CERTIFICATE_INVALID)


def test_an_expired_certificate_says_so(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    long_ago = NOW - datetime.timedelta(days=30)
    expired = trusted.issue_cert("127.0.0.1", not_before=long_ago, not_after=NOW - datetime.timedelta(days=2))
    seen = on_loop(look_at_tls(server_tls(expired)))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.CERTIFICATE_EXPIRED)


def test_verification_can_be_left_out(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    stranger = trustme.CA().issue_cert("127.0.0.1")
    assert on_loop(look_at_tls(server_tls(stranger), verify_tls=False)).status is Status.UP


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (answering(OK), Reason.TIMEOUT),
        (silent, Reason.TIMEOUT),
    ],
)
def test_a_server_that_never_finishes_the_handshake_times_out(
    on_loop: Any, trusted: trustme.CA, handler: Handler, reason: Reason
) -> None:
    async def story() -> Observation:
        async with serving(handler) as port:
            return await look(f"https://127.0.0.1:{port}/", timeout_s=0.5)

    seen = on_loop(story())
    assert (seen.status, seen.reason) == (Status.DOWN, reason)
    assert seen.detail == "no answer within 0.5 s, in the TLS handshake"


def test_a_server_that_speaks_no_tls_is_a_tls_error(on_loop: Any, trusted: trustme.CA) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async def story() -> Observation:
        async with serving(plain) as port:
            return await look(f"https://127.0.0.1:{port}/")

    seen = on_loop(story())
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TLS_ERROR)


def test_an_old_version_of_tls_is_a_tls_error(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    server = server_tls(trusted.issue_cert("127.0.0.1"))
    server.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        server.minimum_version = server.maximum_version = ssl.TLSVersion.TLSv1_1
    seen = on_loop(look_at_tls(server))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TLS_ERROR)


def test_slow_and_cut_answers_are_the_same_over_tls(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    server = server_tls(trusted.issue_cert("127.0.0.1"))

    async def story(handler: Handler) -> Observation:
        async with serving(handler, server) as port:
            return await look(f"https://127.0.0.1:{port}/", timeout_s=1)

    dripped = on_loop(story(dripping(b"HTTP/1.1 200 OK\r\n\r\n", b".")))
    cut = on_loop(story(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")))
    reset = on_loop(story(resetting(b"HTTP/1.1 200 OK\r\n")))
    large = on_loop(story(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 150000\r\n\r\n" + b"x" * 150_000)))
    assert (dripped.reason, cut.reason, reset.reason) == (Reason.TIMEOUT, Reason.RESET, Reason.RESET)
    assert large.facts["body_bytes"] == 65_536
