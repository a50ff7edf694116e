"""The IP family of a check: one, each, or whichever answers; and what a region without IPv6 may say."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from probes.checks.families import merged_families
from probes.net.dialer import Dialer
from probes.net.guard import Egress
from probes.prober import Observation, SpecError
from probes.probers import parse_spec
from probes.reasons import Reason, Status
from probes.wire import Phases
from tests.probes.looking import looked
from tests.probes.loopback import OK

UP_4 = Observation(Status.UP, Reason.OK, Phases(total_us=2_000), 200, facts={"address": "192.0.2.1"})
UP_6 = Observation(Status.UP, Reason.OK, Phases(total_us=9_000), 200, facts={"address": "2001:db8::1"})
SLOW = Observation(Status.DEGRADED, Reason.SLOW, detail="slow")
REFUSED = Observation(Status.DOWN, Reason.REFUSED, detail="connection refused")
BLOCKED = Observation(Status.UNKNOWN, Reason.BLOCKED, detail="this region has no route over IPv6")


@pytest.mark.parametrize(
    ("over_4", "over_6", "status", "reason", "says"),
    [
        (UP_4, UP_6, Status.UP, Reason.OK, ""),
        (UP_4, REFUSED, Status.DEGRADED, Reason.REFUSED, "fails over IPv6, and works over IPv4: connection refused"),
        (REFUSED, UP_6, Status.DEGRADED, Reason.REFUSED, "fails over IPv4, and works over IPv6"),
        (SLOW, REFUSED, Status.DEGRADED, Reason.REFUSED, "fails over IPv6"),
        (UP_4, SLOW, Status.DEGRADED, Reason.SLOW, "over IPv6: slow"),
        (REFUSED, REFUSED, Status.DOWN, Reason.REFUSED, "connection refused"),
        (UP_4, BLOCKED, Status.UP, Reason.OK, ""),
        (REFUSED, BLOCKED, Status.DOWN, Reason.REFUSED, "over IPv4"),
        (BLOCKED, BLOCKED, Status.UNKNOWN, Reason.BLOCKED, ""),
    ],
)
def test_both_families_make_one_observation_that_shows_both(
    over_4: Observation, over_6: Observation, status: Status, reason: Reason, says: str
) -> None:
    merged = merged_families(over_4, over_6)
    assert (merged.status, merged.reason) == (status, reason)
    assert says in merged.detail
    assert str(merged.facts["ipv4"]).startswith(over_4.status.value)
    assert str(merged.facts["ipv6"]).startswith(over_6.status.value)


def test_of_two_that_work_the_slower_one_is_timed() -> None:
    merged = merged_families(UP_4, UP_6)
    assert merged.phases.total_us == 9_000 and merged.facts["family"] == "IPv4 and IPv6"
    assert merged.facts["ipv4"] == "up 192.0.2.1, 2.0 ms"


@asynccontextmanager
async def web(*addresses: str) -> AsyncIterator[int]:
    """A web server on the same port of each loopback address."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        writer.close()

    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    servers = [await asyncio.start_server(handle, address, port) for address in addresses]
    yield port
    for server in servers:
        server.close()


def both_loopbacks() -> Dialer:
    async def resolve(host: str) -> list[str]:
        return ["::1", "127.0.0.1"]

    return Dialer(Egress.PRIVATE, resolve)


async def look(addresses: tuple[str, ...], family: str) -> Observation:
    async with web(*addresses) as port:
        config = {"url": f"http://shop.test:{port}/", "family": family}
        return await looked("http", config, dialer=both_loopbacks())


BOTH = ("127.0.0.1", "::1")


@pytest.mark.parametrize(
    ("addresses", "family", "status", "fact"),
    [
        (BOTH, "4", Status.UP, "IPv4"),
        (BOTH, "6", Status.UP, "IPv6"),
        (BOTH, "each", Status.UP, "IPv4 and IPv6"),
        (("127.0.0.1",), "6", Status.DOWN, "IPv6"),
        (("::1",), "4", Status.DOWN, "IPv4"),
        (("127.0.0.1",), "each", Status.DEGRADED, "IPv6"),
        (("::1",), "each", Status.DEGRADED, "IPv4"),
        (("127.0.0.1",), "either", Status.UP, None),
        (("::1",), "either", Status.UP, None),
    ],
)
def test_a_check_dials_the_family_that_was_asked_for(
    on_loop: Any, addresses: tuple[str, ...], family: str, status: Status, fact: str | None
) -> None:
    seen = on_loop(look(addresses, family))
    assert (seen.status, seen.facts.get("family")) == (status, fact), seen


def test_a_name_without_such_an_address_is_told_so(on_loop: Any) -> None:
    async def resolve(host: str) -> list[str]:
        return ["127.0.0.1"]

    config = {"url": "http://shop.test/", "family": "6"}
    seen = on_loop(looked("http", config, dialer=Dialer(Egress.PRIVATE, resolve)))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.DNS_ERROR)
    assert "shop.test has no IPv6 address" in seen.detail


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("http", {"url": "http://192.0.2.1/", "family": "6"}),
        ("http", {"url": "http://[2001:db8::1]/", "family": "4"}),
        ("websocket", {"url": "wss://192.0.2.1/", "family": "each"}),
        ("tcp", {"host": "192.0.2.1", "port": 1, "family": "6"}),
        ("icmp", {"host": "192.0.2.1", "family": "6"}),
        ("tls", {"host": "2001:db8::1", "family": "4"}),
        ("grpc", {"host": "192.0.2.1", "port": 1, "family": "6"}),
        ("redis", {"host": "192.0.2.1", "family": "6"}),
        ("postgresql", {"host": "192.0.2.1", "family": "6"}),
        ("saturation", {"url": "http://engine.test/metrics", "engine": "vllm", "family": "each"}),
    ],
)
def test_a_family_that_a_target_cannot_have_is_refused(kind: str, config: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec(kind, config)
    assert refused.value.field == "family"
