"""The TCP prober against real sockets."""

from __future__ import annotations

from typing import Any

from probes.attempts import attempt
from probes.guard import Egress
from probes.observation import Observation, Reach
from probes.probers import PROBERS, parse_spec
from probes.reasons import Reason, Status
from probes.trace import Trace
from tests.probes.loopback import closed_port, serving, silent, way_out


async def knock(host: str, port: int | None, egress: Egress = Egress.PRIVATE) -> Observation:
    async with serving(silent) as open_port, way_out(egress) as way:
        spec = parse_spec("tcp", {"host": host, "port": port or open_port})
        return await attempt(PROBERS["tcp"], spec, {}, Reach(way, Trace(), 0.0), 2.0)


def test_a_port_that_accepts_is_up(on_loop: Any) -> None:
    seen = on_loop(knock("127.0.0.1", None))
    assert (seen.status, seen.reason, seen.facts) == (Status.UP, Reason.OK, {"address": "127.0.0.1"})
    assert 0 < seen.phases.connect_us <= seen.phases.total_us


def test_a_name_is_resolved_first(on_loop: Any) -> None:
    seen = on_loop(knock("localhost", None))
    assert seen.status is Status.UP
    assert seen.phases.dns_us > 0


def test_a_closed_port_is_refused(on_loop: Any) -> None:
    seen = on_loop(knock("127.0.0.1", closed_port()))
    assert (seen.status, seen.reason) == (Status.DOWN, Reason.REFUSED)


def test_a_public_region_does_not_knock_on_private_doors(on_loop: Any) -> None:
    seen = on_loop(knock("127.0.0.1", None, Egress.PUBLIC))
    assert (seen.status, seen.reason) == (Status.UNKNOWN, Reason.BLOCKED)
