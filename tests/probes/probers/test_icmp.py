"""The ping prober, with real echoes on loopback, and without the permission to send any."""

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest

from probes.net.guard import Egress
from probes.prober import Observation, SpecError
from probes.probers import parse_spec
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.loopback import closed_port, serving, silent, way_out


def may_ping() -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP).close()
        except PermissionError:
            continue
        return True
    return False


@pytest.fixture
def no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel that gives this process no socket for echoes."""
    real = socket.socket

    def refusing(family: int = -1, kind: int = -1, proto: int = -1, fileno: int | None = None) -> socket.socket:
        if proto in (socket.IPPROTO_ICMP, socket.IPPROTO_ICMPV6):
            raise PermissionError(errno.EPERM, "not permitted")
        return real(family, kind, proto, fileno)

    monkeypatch.setattr("probes.probers.icmp.socket.socket", refusing)


def test_a_host_that_answers_is_up_by_echo_or_by_tcp(on_loop: Any) -> None:
    async def story() -> Observation:
        async with serving(silent) as port:
            return await looked("icmp", {"host": "127.0.0.1", "tcp_port": port})

    seen = on_loop(story())
    assert (seen.status, seen.reason) == (Status.UP, Reason.OK)
    assert seen.facts.get("echoes_answered", 0) == 1 if may_ping() else seen.facts["degraded_to"] == "tcp"
    assert seen.phases.total_us > 0


def test_ipv6_is_pinged_too(on_loop: Any) -> None:
    seen = on_loop(looked("icmp", {"host": "::1", "tcp_port": closed_port()}))
    assert seen.status is Status.UP or seen.reason is Reason.UNREACHABLE


def test_without_permission_a_connection_tells(on_loop: Any, no_permission: None) -> None:
    async def story() -> Observation:
        async with serving(silent) as port:
            return await looked("icmp", {"host": "127.0.0.1", "tcp_port": port})

    seen = on_loop(story())
    assert (seen.status, seen.facts) == (Status.UP, {"address": "127.0.0.1", "degraded_to": "tcp"})


def test_without_permission_a_refusal_is_an_answer_of_the_host(on_loop: Any, no_permission: None) -> None:
    seen = on_loop(looked("icmp", {"host": "127.0.0.1", "tcp_port": closed_port()}))
    assert (seen.status, seen.facts["degraded_to"]) == (Status.UP, "tcp")


def test_without_permission_and_without_a_port_there_is_no_vote(on_loop: Any, no_permission: None) -> None:
    seen = on_loop(looked("icmp", {"host": "127.0.0.1", "tcp_port": 0}))
    assert (seen.status, seen.reason) == (Status.UNKNOWN, Reason.PROBE_ERROR)


def test_a_public_region_pings_no_private_address(on_loop: Any) -> None:
    async def story() -> Observation:
        async with way_out(Egress.PUBLIC) as dialer:
            return await looked("icmp", {"host": "10.0.0.1"}, dialer=dialer)

    assert on_loop(story()).reason is Reason.BLOCKED


@pytest.mark.parametrize("config", [{"host": "a b"}, {"host": "a", "echoes": 0}, {"host": "a", "tcp_port": 70_000}])
def test_what_cannot_be_pinged_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        parse_spec("icmp", config)
