"""Anchors: most of them out of reach means that the region is cut off, and it says so at once."""

from __future__ import annotations

from typing import Any

import pytest

from probes.worker.anchors import Anchor, Anchors, parse
from tests.probes.loopback import OK, answering, closed_port, serving, way_out


def test_anchors_are_hosts_with_or_without_a_port() -> None:
    assert parse(" one.example, two.example.net:53 ,[2001:db8::1]:853, 192.0.2.7") == (
        Anchor("one.example", 443),
        Anchor("two.example.net", 53),
        Anchor("2001:db8::1", 853),
        Anchor("192.0.2.7", 443),
    )
    assert parse("") == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("one.example", "3 to 10 anchors"),
        ("one.example,two.example", "3 to 10 anchors"),
        (",".join(f"host.site{number}.example" for number in range(11)), "3 to 10 anchors"),
        ("a.same.example,b.same.example,other.test", "at least 3 organisations"),
        ("192.0.2.1,192.0.2.2,192.0.2.3", "at least 3 organisations"),
        ("one.example,two.test,three.invalid:0", "port 0 cannot be dialled"),
        ("one.example,two.test,https://three.invalid/", "is no anchor"),
        ("one.example,two.test,bad_host!.invalid", "is not a host name"),
    ],
)
def test_anchors_that_prove_nothing_are_refused_with_what_to_do(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse(text)


@pytest.mark.parametrize(("reached", "failing", "adrift"), [(3, 0, False), (2, 1, False), (1, 2, True), (0, 3, True)])
def test_most_anchors_out_of_reach_is_adrift(reached: int, failing: int, adrift: bool, on_loop: Any) -> None:
    async def story() -> tuple[int, bool]:
        async with serving(answering(OK)) as port, way_out() as dialer:
            ports = [port] * reached + [closed_port()] * failing
            anchors = Anchors(dialer, tuple(Anchor("127.0.0.1", each) for each in ports))
            await anchors.look()
            return anchors.failing, anchors.changed.is_set()

    assert on_loop(story()) == (failing, adrift)


def test_a_region_says_when_it_is_cut_off_and_when_it_is_not_any_more(on_loop: Any) -> None:
    async def story() -> list[bool]:
        async with way_out() as dialer:
            port = closed_port()
            anchors = Anchors(dialer, (Anchor("127.0.0.1", port),) * 3)
            changes = []
            for _ in range(2):
                await anchors.look()
                changes.append(anchors.changed.is_set())
                anchors.changed.clear()
            async with serving(answering(OK)) as alive:
                anchors = Anchors(dialer, (Anchor("127.0.0.1", alive),) * 3)
                anchors.failing = 3
                await anchors.look()
                changes.append(anchors.changed.is_set())
            return changes

    assert on_loop(story()) == [True, False, True]
