"""A public region does not dial its own host."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis.asyncio

from probes.net.dialer import Dialer, dial
from probes.net.failures import Blocked
from probes.net.guard import Egress
from probes.net.own_address import is_own
from probes.net.trace import Trace
from probes.worker.parts import build
from probes.worker.settings import read
from tests.signed import worker_settings


@pytest.mark.parametrize(
    ("address", "own"), [("127.0.0.1", True), ("0:0:0:0:0:0:0:1", True), ("no address", False), ("192.0.2.77", False)]
)
def test_s28_the_addresses_of_this_host_are_told_from_others(address: str, own: bool) -> None:
    assert is_own(address) is own


@pytest.mark.parametrize("host", ["8.8.8.8", "name.example"])
def test_s28_an_address_of_the_own_host_is_not_dialled_by_number_or_name(on_loop: Any, host: str) -> None:
    async def resolve(name: str) -> list[str]:
        return ["8.8.8.8"]

    dialer = Dialer(Egress.PUBLIC, resolve, is_own=lambda address: address == "8.8.8.8")
    with pytest.raises(Blocked, match=r"8\.8\.8\.8 is an address of its own host"):
        on_loop(dial(dialer, host, 443, asyncio.Protocol, Trace()))


@pytest.mark.parametrize(
    ("egress", "shuns"),
    [("public", True), ("private", False), ("9.9.9.0/24;public", True), ("127.0.0.0/8;public", False)],
)
def test_s28_a_worker_shuns_its_own_host_unless_its_egress_means_it(on_loop: Any, egress: str, shuns: bool) -> None:
    async def story() -> None:
        url = "redis://127.0.0.1:1/0"
        connection = redis.asyncio.Redis.from_url(url)
        settings = read({"region": "eu-west", "redis_url": url, "egress": egress, **worker_settings("eu-west")})
        parts = await build(settings, connection)
        await parts.resolver.close()
        await connection.aclose()
        parts.anchors._dialer.check("127.0.0.1", 443)

    if shuns:
        with pytest.raises(Blocked, match=r"VIGIL_EGRESS.* of host .* refuses it: 127\.0\.0\.1"):
            on_loop(story())
    else:
        on_loop(story())
