"""The guard: what a region may dial, by address."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest

from probes.net.guard import Egress, refusal

METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "192.0.0.192",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",
    "2001:0:808:808::" + "5601:5601",
    "64:ff9b:1::a9fe:a9fe",
]
NOWHERE = ["0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.255.255.255", "ff02::1", "255.255.255.255", "240.0.0.1"]
LINK_LOCAL = ["169.254.0.1", "169.254.255.255", "fe80::1", "fe80::1%eth0", "febf::1"]
INSIDE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "::1",
    "fc00::1",
    "fdff:ffff::1",
    "fec0::1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.1.2.3",
    "2002:7f00:1::",
    "2002:0a00:0001::1",
]
SPECIAL = [
    "192.0.0.9",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "100::1",
    "2001:db8::1",
    "2001::1",
    "2001:10::1",
    "3fff::1",
    "5f00::1",
    "64:ff9b:1::1",
    "4000::1",
    "2002:808:808::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "192.169.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450:4001::1",
    "64:ff9b::808:808",
]


def corpus() -> list[tuple[str, bool, bool]]:
    """Address, whether a public region dials it, whether a private one does; frozen, and not made by the guard."""
    lines = (Path(__file__).parent / "addresses.txt").read_text().splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return [(address, public == "dial", private == "dial") for address, public, private in rows]


def test_t_sec_26_the_guard_agrees_with_a_frozen_corpus_of_addresses() -> None:
    rows = corpus()
    assert len({address for address, _, _ in rows}) == len(rows) >= 400
    judged = [
        (address, refusal(address, Egress.PUBLIC) is None, refusal(address, Egress.PRIVATE) is None)
        for address, _, _ in rows
    ]
    assert judged == rows


def test_what_a_public_region_dials_a_private_one_dials_as_well() -> None:
    assert all(private for _, public, private in corpus() if public)


@pytest.mark.parametrize("address", METADATA + NOWHERE + LINK_LOCAL + INSIDE + SPECIAL)
def test_a_public_region_dials_no_address_that_is_not_public(address: str) -> None:
    assert refusal(address, Egress.PUBLIC) is not None


@pytest.mark.parametrize("egress", list(Egress))
@pytest.mark.parametrize("address", PUBLIC)
def test_every_region_dials_public_addresses(address: str, egress: Egress) -> None:
    assert refusal(address, egress) is None


@pytest.mark.parametrize("address", METADATA + NOWHERE + LINK_LOCAL)
def test_t_sec_02_a_private_region_dials_no_metadata_link_local_or_multicast_address(address: str) -> None:
    assert refusal(address, Egress.PRIVATE) is not None


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "fd12::1", "100.64.0.1"])
def test_a_private_region_dials_its_own_network(address: str) -> None:
    assert refusal(address, Egress.PRIVATE) is None


@pytest.mark.parametrize("prefix", ["::ffff:0:0/96", "::/96", "::ffff:0:0:0/96", "64:ff9b::/96"])
@pytest.mark.parametrize("inner", [a for a in METADATA + NOWHERE + INSIDE if ":" not in a])
def test_wrapping_an_ipv4_address_in_ipv6_does_not_get_it_past_the_guard(prefix: str, inner: str) -> None:
    wrapped = ipaddress.IPv6Network(prefix).network_address + int(ipaddress.IPv4Address(inner))
    assert refusal(str(wrapped), Egress.PUBLIC) is not None


@pytest.mark.parametrize("address", ["", "localhost", "0177.0.0.1", "127.1", "2130706433", "1.2.3.4:80"])
def test_what_is_no_address_is_refused(address: str) -> None:
    assert refusal(address, Egress.PRIVATE) is not None


def test_a_refusal_says_what_the_address_is() -> None:
    assert refusal("64:ff9b::a9fe:a9fe", Egress.PUBLIC) == (
        "64:ff9b::a9fe:a9fe is a cloud metadata address (it stands for 169.254.169.254)"
    )
