"""INV-23: no packet leaves a public worker towards an address that is not public, counted by the kernel."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from tests.e2e.namespaces.egress_scene import NAMES
from tests.e2e.namespaces.isolated import played
from tests.e2e.namespaces.link import WORLD4
from tests.probes.net.test_egress import KINDS
from tests.probes.net.test_guard import corpus

pytestmark = pytest.mark.timeout(240)
PUBLIC = {str(ipaddress.ip_address(address)) for address, public, _ in corpus() if public}
#: The worker's Redis and its name server, which are its host's own choice.
OWN = WORLD4.format(number=0)
WAYS = {"n": "by name", "m": "beside a public address", "t": "after a public address", "r": "by a redirect"}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return dict(played("egress_scene", tmp_path_factory.mktemp("egress"), 220))


def test_inv_23_no_packet_leaves_a_public_worker_towards_an_address_that_is_not_public(seen: dict[str, Any]) -> None:
    sent = {to: count for to, count in seen["packets"].items() if to not in PUBLIC | {OWN}}
    assert sum(sent.values()) == 0, sent
    assert seen["alive"] and seen["ended"] == 0


def test_inv_23_packets_do_leave_towards_every_public_address(seen: dict[str, Any]) -> None:
    counted = {address: seen["packets"].get(address, 0) for address in PUBLIC}
    assert [address for address, count in counted.items() if count == 0] == []
    assert seen["packets"][OWN] > 100


def test_inv_23_every_order_for_an_address_that_is_not_public_is_blocked_in_words(seen: dict[str, Any]) -> None:
    said = seen["results"]
    for number, (address, public, _) in enumerate(corpus()):
        for way in (*KINDS, *WAYS):
            if way in "nmt" and f"{way}{number}.example" not in NAMES:
                continue
            reason, detail = said[f"{way}-{number}"]
            if public:
                assert reason != "blocked", (way, address, detail)
            elif way != "t" and "%" not in address and not (way == "m" and ":" in address):
                # The resolver need not wait for the IPv6 addresses of a name whose IPv4 addresses are there.
                assert reason == "blocked", (way, address, reason, detail)
                assert "VIGIL_EGRESS=public of host " in detail, (way, address, detail)
