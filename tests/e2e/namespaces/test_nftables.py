"""The second wall: rules of the kernel that refuse what the egress guard refuses, and nothing else."""

from __future__ import annotations

import importlib.util
import ipaddress
from typing import Any

import pytest

from probes.net.guard import Egress, refusal
from tests.e2e.namespaces.isolated import CHECKOUT, played
from tests.probes.net.test_guard import corpus

FOLDER = CHECKOUT / "deploy" / "nftables"


def generated() -> str:
    spec = importlib.util.spec_from_file_location("generate_nftables", FOLDER / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return str(module.rules())


def test_the_shipped_rules_are_made_from_the_lists_of_the_guard() -> None:
    assert (FOLDER / "vigil-egress.nft").read_text() == generated(), "run deploy/nftables/generate.py"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return dict(played("wall_scene", tmp_path_factory.mktemp("wall"), 100))


def test_the_kernel_refuses_over_the_whole_corpus_what_the_guard_refuses(seen: dict[str, Any]) -> None:
    refused, unsendable = set(seen["refused"]), set(seen["unsendable"])
    expected = {address for address, _, _ in corpus() if refusal(as_sent(address), Egress.PUBLIC) is not None}
    assert refused == expected - unsendable
    assert len(refused) >= 350
    assert all(cannot_be_sent_to(address) for address in unsendable), unsendable
    assert seen["refused_counter"] >= len(refused)


def as_sent(address: str) -> str:
    """Where the kernel sends what goes to an address: an IPv4 address in an IPv6 socket is an IPv4 address."""
    inside = ipaddress.IPv6Address(address.partition("%")[0]).ipv4_mapped if ":" in address else None
    return str(inside) if inside else address


def cannot_be_sent_to(address: str) -> bool:
    """Whether no connection can begin there, whatever the rules are: to many hosts, or on a link that is not named."""
    sent = ipaddress.ip_address(as_sent(address).partition("%")[0])
    return sent.is_multicast or sent.is_link_local or str(sent).endswith("255.255.255")


def test_what_the_worker_needs_passes_and_other_users_are_not_judged(seen: dict[str, Any]) -> None:
    assert seen["needed"] == {"10.0.0.53 udp 53": True, "10.0.0.53 udp 54": False, "10.1.2.3 tcp 8050": True}
    assert seen["other_user"] is True
