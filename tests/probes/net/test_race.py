"""Several addresses of one name: the living one is found, however many are dead, and however they are dead."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from probes.net.dialer import Dialer
from probes.net.guard import Egress
from probes.net.race import interleaved
from probes.prober import Observation
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import closed_port, serving, silent


@contextlib.contextmanager
def dropping(addresses: list[str], port: int) -> Iterator[None]:
    """Listeners whose queue is full: what connects to them hears nothing at all."""
    with contextlib.ExitStack() as stack:
        for address in addresses:
            listener = stack.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen(0)
            for _ in range(2):
                filling = stack.enter_context(socket.socket())
                filling.setblocking(False)
                filling.connect_ex((address, port))
        yield


def dialer_of(*addresses: str) -> Dialer:
    async def resolve(host: str) -> list[str]:
        return list(addresses)

    return Dialer(Egress.PRIVATE, resolve)


async def tcp(*dead: str, timeout_s: float = 4.0, drop: bool = False) -> Observation:
    """A look at a name of these dead addresses, with the living one at the end."""
    async with serving(silent) as port:
        with dropping(list(dead), port) if drop else contextlib.nullcontext():
            dialer = dialer_of(*dead, "127.0.0.1")
            config = {"host": "many.example", "port": port}
            return await looked("tcp", config, dialer=dialer, timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("dead", "drop"),
    [
        pytest.param(["2001:db8::1"], False, id="B2-12 a family that does not work"),
        pytest.param([f"127.0.0.{n}" for n in range(2, 12)], False, id="ten that refuse"),
        pytest.param([f"127.0.0.{n}" for n in range(2, 8)], True, id="six that drop everything"),
        pytest.param([f"2001:db8::{n}" for n in range(1, 20)], False, id="nineteen of the other family"),
    ],
)
def test_the_living_address_is_found_and_named(on_loop: Any, dead: list[str], drop: bool) -> None:
    seen = on_loop(tcp(*dead, drop=drop))
    assert (seen.status, seen.facts["address"]) == (Status.UP, "127.0.0.1"), seen.detail
    assert dead[0] in str(seen.facts["passed_over"])
    assert seen.phases.connect_us < 2_500_000


def test_when_none_lives_the_most_telling_error_is_kept(on_loop: Any) -> None:
    config = {"host": "many.example", "port": closed_port()}
    seen = on_loop(looked("tcp", config, dialer=dialer_of("2001:db8::1", "127.0.0.1", "127.0.0.2"), timeout_s=3))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.REFUSED)


def test_a_name_of_dropping_addresses_ends_at_the_deadline(on_loop: Any) -> None:
    async def story() -> Observation:
        port = closed_port()
        with dropping(["127.0.0.2", "127.0.0.3"], port):
            dialer = dialer_of("127.0.0.2", "127.0.0.3")
            return await looked("tcp", {"host": "many.example", "port": port}, dialer=dialer, timeout_s=0.8)

    seen = on_loop(story())
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.TIMEOUT)
    assert seen.phases.total_us < 1_500_000


def test_b2_12_a_ping_goes_on_to_the_next_address_and_names_it(on_loop: Any) -> None:
    async def story() -> Observation:
        async with serving(silent) as port:
            dialer = dialer_of("2001:db8::1", "127.0.0.1")
            return await looked("icmp", {"host": "dual.example", "tcp_port": port}, dialer=dialer)

    seen = on_loop(story())
    assert (seen.status, seen.facts["address"]) == (Status.UP, "127.0.0.1"), seen.detail
    assert seen.facts["passed_over"] == "2001:db8::1"


@pytest.mark.parametrize(
    ("addresses", "order"),
    [
        (["a"], ["a"]),
        ([":1", ":2", ":3", "a"], [":1", "a", ":2", ":3"]),
        (["a", "b", ":1"], ["a", ":1", "b"]),
        (["a", "b"], ["a", "b"]),
        ([f"{n}" for n in range(200)], [f"{n}" for n in range(60)]),
    ],
)
def test_families_take_turns(addresses: list[str], order: list[str]) -> None:
    assert interleaved(addresses) == order
