"""Hostile targets: whatever they send, a check ends in bounded time and memory, and says what it was."""

from __future__ import annotations

import asyncio
import gzip
import random
import socket
import ssl
import struct
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import trustme

from probes.net.dialer import Dialer
from probes.net.guard import Egress
from probes.prober import Observation
from probes.reasons import Reason, Status
from tests.probes.chains import chain_of
from tests.probes.looking import looked
from tests.probes.loopback import OK, Handler, answering, dripping, endless, name_server, serving, way_out

#: What one check of a hostile target may take beside what the target itself takes.
MEMORY_BYTES = 3_000_000
TIMEOUT_S = 1.0
LATEST_S = TIMEOUT_S + 1.5
BOMB = gzip.compress(bytes(100_000_000), compresslevel=9)
MANY_HEADERS = b"".join(b"X-%d: y\r\n" % number for number in range(100_000))
LOOP = b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"


def bounded(on_loop: Any, look: Callable[[], Any]) -> Observation:
    """Run a check and hold it to its bounds; the server's own part is counted as well, and small."""
    tracemalloc.start()
    begun = time.monotonic()
    try:
        seen = on_loop(look())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - begun < LATEST_S
    assert peak < MEMORY_BYTES, f"{peak} bytes"
    assert isinstance(seen, Observation)
    assert len(seen.detail) <= 240
    return seen


async def look_at(handler: Handler, **config: Any) -> Observation:
    async with serving(handler) as port:
        return await looked("http", {"url": f"http://127.0.0.1:{port}/", **config}, timeout_s=TIMEOUT_S)


class TurningPublic:
    """A way out whose egress changes while a check is under way."""

    def __init__(self, dialer: Dialer) -> None:
        self.egress, self.resolve = Egress.PRIVATE, dialer.resolve
        self.source, self.family = dialer.source, dialer.family

    def check(self, address: str, port: int | None = None) -> None:
        Dialer(self.egress, self.resolve).check(address, port)


def head(*lines: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 200 OK", *lines, b"", b""))


@pytest.mark.parametrize(
    ("handler", "status", "reason"),
    [
        (endless(head(), b"x" * 65_536), Status.UP, Reason.OK),
        (endless(head(b"Content-Length: 999999999999"), b"x" * 65_536), Status.UP, Reason.OK),
        (endless(head(b"Transfer-Encoding: chunked"), b"10000\r\n" + b"x" * 65_536 + b"\r\n"), Status.UP, Reason.OK),
        (endless(head(b"Transfer-Encoding: chunked"), b"10\r\n0123456789abcdef\r\n" * 400), Status.UP, Reason.OK),
        (answering(head(b"Content-Encoding: gzip", b"Content-Length: %d" % len(BOMB)) + BOMB), Status.UP, Reason.OK),
        (dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), Status.DOWN, Reason.TIMEOUT),
        (dripping(b"", b"H"), Status.DOWN, Reason.PROTOCOL_ERROR),
        (dripping(head(b"Content-Length: 1000"), b"."), Status.DOWN, Reason.TIMEOUT),
        (answering(b"HTTP/1.1 200 OK\r\n" + MANY_HEADERS + b"\r\n"), Status.DOWN, Reason.TOO_LARGE),
        (endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65_536), Status.DOWN, Reason.TOO_LARGE),
        (endless(b"HTTP/1.1 200 ", b"O" * 65_536), Status.DOWN, Reason.TOO_LARGE),
        (endless(b"", b"HTTP/1.1 102 Wait\r\n\r\n" * 1000), Status.DOWN, Reason.TOO_LARGE),
        (answering(LOOP), Status.DOWN, Reason.TOO_MANY_REDIRECTS),
    ],
    ids=[
        "endless body", "endless body with a length", "endless chunks", "endless small chunks", "gzip bomb",
        "slow headers", "slow rubbish", "slow body", "100,000 headers", "endless header", "endless phrase",
        "endless informational answers", "redirect loop",
    ],
)  # fmt: skip
def test_t_sec_25_a_hostile_answer_ends_in_bounded_time_and_memory(
    on_loop: Any, handler: Handler, status: Status, reason: Reason
) -> None:
    seen = bounded(on_loop, lambda: look_at(handler))
    assert (seen.status, seen.reason) == (status, reason), seen.detail


def test_a_large_body_that_was_asked_for_is_held_to_what_was_asked(on_loop: Any) -> None:
    seen = bounded(on_loop, lambda: look_at(endless(head(), b"x" * 65_536), body_limit=500_000))
    assert (seen.facts["body_bytes"], seen.facts["truncated"]) == (500_000, True)


def test_whatever_is_said_instead_of_http_is_down(on_loop: Any) -> None:
    chance = random.Random(20_240_501)

    async def story() -> set[tuple[Status, Reason]]:
        seen = set()
        for _ in range(150):
            noise = bytearray(OK)
            for _ in range(chance.randrange(1, 6)):
                noise[chance.randrange(12)] = chance.randrange(256)
            rubbish = chance.choice([bytes(noise), chance.randbytes(chance.randrange(1, 400))])
            one = await look_at(answering(rubbish))
            seen.add((one.status, one.reason))
        return seen

    seen = on_loop(story())
    assert {status for status, _ in seen} <= {Status.DOWN, Status.UP, Status.DEGRADED}
    assert Reason.PROBE_ERROR not in {reason for _, reason in seen}


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1/", "http://10.1.2.3/", "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::7f00:1]/",
     "http://[2002:7f00:1::]/", "http://inside.example/", "http://169.254.169.254/latest/", "//192.168.0.1/x"],
)  # fmt: skip
def test_t_sec_02_a_redirect_to_a_private_address_is_blocked_and_nothing_is_sent_there(
    on_loop: Any, location: str
) -> None:
    answer = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()

    async def story() -> Observation:
        async with (
            name_server({"inside.example": ["10.0.0.7"]}) as (server, _),
            way_out(nameservers=[server]) as dialer,
        ):
            # Loopback stands for a public address here: the region turns public once it was reached.
            turning = TurningPublic(dialer)

            async def redirecting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                turning.egress = Egress.PUBLIC
                await answering(answer)(reader, writer)

            async with serving(redirecting) as port:
                url = f"http://127.0.0.1:{port}/"
                return await looked("http", {"url": url}, dialer=cast(Dialer, turning), timeout_s=TIMEOUT_S)

    seen = on_loop(story())
    assert (seen.status, seen.reason) == (Status.UNKNOWN, Reason.BLOCKED), seen
    assert seen.detail.startswith("the egress of this host refuses it: ")


def test_a_name_that_changes_between_two_hops_is_judged_each_time(on_loop: Any) -> None:
    async def story() -> tuple[Observation, list[str]]:
        async with (
            name_server({"moving.example": ["127.0.0.1"]}) as (server, names),
            way_out(nameservers=[server]) as dialer,
        ):

            async def rebinding(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                names.names["moving.example"] = ["169.254.169.254"]
                await answering(b"HTTP/1.1 307 Go\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")(reader, writer)

            async with serving(rebinding) as port:
                url = f"http://moving.example:{port}/a"
                return await looked("http", {"url": url}, dialer=dialer, timeout_s=TIMEOUT_S), names.asked

    seen, asked = on_loop(story())
    assert (seen.status, seen.reason) == (Status.UNKNOWN, Reason.BLOCKED)
    # One question a hop for each kind of address; the last answer need not have been waited for.
    assert len(asked) in (3, 4)


@pytest.mark.parametrize("mixed", [["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["10.0.0.1"]])
def test_a_name_with_one_private_address_among_its_own_is_blocked(on_loop: Any, mixed: list[str]) -> None:
    async def story() -> Observation:
        async with name_server({"mixed.example": mixed}) as (server, _), way_out(Egress.PUBLIC, [server]) as dialer:
            return await looked("http", {"url": "http://mixed.example/"}, dialer=dialer, timeout_s=TIMEOUT_S)

    assert on_loop(story()).reason is Reason.BLOCKED


# TLS ------------------------------------------------------------------------------------------------------------------


def test_a_chain_of_50_certificates_is_verified_in_bounded_time_and_memory(on_loop: Any, tmp_path: Path) -> None:
    server, authority = chain_of(50, tmp_path)

    async def look() -> Observation:
        async with serving(answering(OK), server) as port:
            config = {"host": "127.0.0.1", "port": port, "ca_pem": authority}
            return await looked("tls", config, timeout_s=TIMEOUT_S, now_s=time.time())

    seen = bounded(on_loop, look)
    assert (seen.status, seen.facts["chain"]) == (Status.UP, 50), seen.detail


def test_a_chain_beyond_all_reason_is_refused_in_bounded_time_and_memory(on_loop: Any, tmp_path: Path) -> None:
    server, authority = chain_of(400, tmp_path)

    async def look() -> Observation:
        async with serving(answering(OK), server) as port:
            url = f"https://127.0.0.1:{port}/"
            return await looked("http", {"url": url, "ca_pem": authority}, timeout_s=TIMEOUT_S)

    seen = bounded(on_loop, look)
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TLS_ERROR)


def cut_tls(server: ssl.SSLContext, after: int, total: list[int]) -> Handler:
    """Speak TLS and answer, but let only so many bytes out, and reset then."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = server.wrap_bio(incoming, outgoing, server_side=True)
        sent, answered = 0, False
        while True:
            try:
                if not answered:
                    tls.do_handshake()
                    if tls.read(4096):
                        tls.write(OK)
                        answered = True
            except ssl.SSLWantReadError:
                pass
            piece = outgoing.read()[: after - sent]
            sent += len(piece)
            total.append(sent)
            writer.write(piece)
            await writer.drain()
            if sent >= after:
                break
            chunk = await reader.read(4096)
            if not chunk:
                return
            incoming.write(chunk)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return handle


def test_a_reset_at_any_byte_of_tls_is_down(on_loop: Any, trusted: trustme.CA, server_tls: Any) -> None:
    server = server_tls(trusted.issue_cert("127.0.0.1"))
    server.num_tickets = 0

    async def look(after: int, total: list[int]) -> Observation:
        async with serving(cut_tls(server, after, total)) as port:
            return await looked("http", {"url": f"https://127.0.0.1:{port}/"}, timeout_s=10.0)

    async def story() -> tuple[Observation, dict[int, Observation], int]:
        total: list[int] = []
        whole = await look(1_000_000, total)
        length = max(total)
        seen: dict[int, Observation] = {}
        for first in range(0, length, 40):
            places = range(first, min(first + 40, length))
            for place, one in zip(places, await asyncio.gather(*(look(place, []) for place in places)), strict=True):
                seen[place] = one
        return whole, seen, length

    whole, seen, length = on_loop(story())
    assert whole.status is Status.UP
    # Signatures differ in length by a byte or two, and with them the last bytes of the answer.
    surely_cut = {place: one for place, one in seen.items() if place < length - 12}
    assert len(surely_cut) > 500
    assert {one.status for one in surely_cut.values()} == {Status.DOWN}
    assert {one.reason for one in seen.values()} <= {Reason.RESET, Reason.TLS_ERROR, Reason.OK}
