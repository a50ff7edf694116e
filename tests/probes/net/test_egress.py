"""Where a worker may dial: what VIGIL_EGRESS of its host comes to, for every address and every kind of monitor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from probes.net.dialer import Dialer, addresses_of
from probes.net.egress import BadEgress, EgressList, parse_egress
from probes.net.failures import Blocked
from probes.net.guard import Egress
from probes.net.trace import Trace
from probes.probers import PROBERS
from probes.reasons import Reason, Status
from tests.probes.looking import looked
from tests.probes.net.test_guard import INSIDE, LINK_LOCAL, METADATA, NOWHERE, PUBLIC, SPECIAL, corpus

LIST = "10.0.0.0/8:443,8000-8100;[fd12::/16]:443;192.168.7.7;2001:db8:5::/48;public"


@pytest.mark.parametrize(
    ("address", "port", "admitted"),
    [
        ("10.1.2.3", 443, True),
        ("10.1.2.3", 8000, True),
        ("10.1.2.3", 8100, True),
        ("10.1.2.3", 7999, False),
        ("10.1.2.3", 8101, False),
        ("10.1.2.3", 22, False),
        ("10.1.2.3", None, False),  # An echo has no port, and this network is for some ports.
        ("11.0.0.0", 22, True),
        ("9.255.255.255", 22, True),
        ("fd12::1", 443, True),
        ("fd12::1", 444, False),
        ("fd13::1", 443, False),
        ("192.168.7.7", 22, True),
        ("192.168.7.7", None, True),
        ("192.168.7.8", 22, False),
        ("2001:db8:5::9", 1, True),
        ("2001:db8:6::9", 1, False),
        ("1.1.1.1", 53, True),
        ("2606:4700:4700::1111", 443, True),
        # An address inside another is judged where the packet goes.
        ("64:ff9b::a01:203", 443, True),
        ("64:ff9b::a01:203", 22, False),
        ("::ffff:10.1.2.3", 443, False),
        ("2002:a01:203::", 443, False),
        ("2001:0:a01:203::1", 443, False),
        ("fd12::5efe:a01:203", 443, True),
        ("fd12::5efe:7f00:1", 443, False),
        ("127.0.0.1", 443, False),
        ("100.64.0.1", 443, False),
        # No list admits these.
        *[(address, 443, False) for address in METADATA + NOWHERE + LINK_LOCAL],
    ],
)
def test_a_list_admits_its_networks_at_their_ports_and_nothing_else(
    address: str, port: int | None, admitted: bool
) -> None:
    rule = parse_egress(LIST)
    assert (rule.refusal(address, port) is None) is admitted


@pytest.mark.parametrize("text", ["public", "private", " public "])
def test_a_word_alone_is_what_it_was(text: str) -> None:
    assert parse_egress(text) is Egress(text.strip())


def test_public_in_a_list_is_public_alone_over_the_whole_corpus() -> None:
    rules = parse_egress("public:1-65535"), parse_egress("public;203.0.113.9")
    for rule in rules:
        assert [rule.refusal(address, 443) is None for address, _, _ in corpus()] == [
            public or address == "203.0.113.9" for address, public, _ in corpus()
        ]


def test_private_in_a_list_is_private_alone_over_the_whole_corpus() -> None:
    rule = parse_egress("private:443")
    assert isinstance(rule, EgressList)
    assert [rule.refusal(address, 443) is None for address, _, _ in corpus()] == [each[2] for each in corpus()]
    assert all(rule.refusal(address, 444) is not None for address, _, _ in corpus())


@pytest.mark.parametrize("address", METADATA + NOWHERE + LINK_LOCAL)
def test_a_list_of_all_networks_still_admits_no_metadata_link_local_or_multicast_address(address: str) -> None:
    assert parse_egress("0.0.0.0/0;::/0;private").refusal(address, 80) is not None


@pytest.mark.parametrize("address", INSIDE + SPECIAL)
def test_a_list_without_a_network_does_not_admit_it(address: str) -> None:
    assert parse_egress("198.18.99.0/24;public").refusal(address, 80) is not None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("internet", "'internet' is not `public`, `private` or a network"),
        ("", "'' is not `public`, `private` or a network"),
        ("public;", "'' is not"),
        ("db.internal:5432", "'db.internal' is not `public`, `private` or a network"),
        ("10.0.0.1/8", "write 10.0.0.0/8, or 10.0.0.1 for one address"),
        ("010.0.0.0/8", "is not `public`, `private` or a network"),
        ("0x0a.0.0.0/8", "is not `public`, `private` or a network"),
        ("10.0.0/8", "is not `public`, `private` or a network"),
        ("167772160/8", "is not `public`, `private` or a network"),
        ("10.0.0.0/8:0", "'0' is not a port between 1 and 65535"),
        ("10.0.0.0/8:65536", "'65536' is not a port"),
        ("10.0.0.0/8:", "'' is not a port"),
        ("10.0.0.0/8:443,", "'' is not a port"),
        ("10.0.0.0/8:ssh", "'ssh' is not a port"),
        ("10.0.0.0/8:٤", "is not a port"),
        ("10.0.0.0/8:9-8", "'9-8' begins above its end"),
        ("10.0.0.0/8:" + ",".join("1" * 51), "at most 50 ports"),
        ("fe80::1%eth0", "fe80::1%eth0 has a zone"),
        ("fd12::7%1", "fd12::7%1 has a zone: write fd12::7/128"),
        ("[fd12::/16]443", "is not an IPv6 network in brackets"),
        ("[fd12::/16", "is not an IPv6 network in brackets"),
        ("169.254.169.254", "is a cloud metadata address, which no worker dials"),
        ("fd00:ec2::254", "is a cloud metadata address, which no worker dials"),
        ("169.254.4.0/24", "is a link-local address, which no worker dials"),
        ("224.0.0.0/4", "is a multicast address, which no worker dials"),
        ("::ffff:10.0.0.0/104", "stands for IPv4 networks: write those"),
        ("64:ff9b::/96", "stands for IPv4 networks: write those"),
        ("2002:a00::/24", "stands for IPv4 networks: write those"),
        (";".join(["10.0.0.0/8"] * 101), "at most 100 entries"),
        ("1" * 4_001, "at most 4000 characters"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused_with_what_to_write(text: str, words: str) -> None:
    with pytest.raises(BadEgress) as refused:
        parse_egress(text)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    "text", ["10.0.0.7", "::1", "[::1]:443", "fd12::/16", "100.64.0.0/10:1-65535", "::/0", "127.0.0.0/8 ; public:443"]
)
def test_a_list_that_can_be_meant_is_taken(text: str) -> None:
    assert isinstance(parse_egress(text), EgressList)


#: One monitor of each kind at a host; "0" as port means that its kind has none to choose.
KINDS: Mapping[str, Mapping[str, Any]] = {
    "dns": {"name": "a.example", "resolver": "{host}"},
    "domain": {"domain": "a.example", "server": "http://{host}/rdap"},
    "grpc": {"host": "{host}", "port": 443},
    "http": {"url": "http://{host}/"},
    "icmp": {"host": "{host}"},
    "canary": {
        "url": "http://{host}/v1/chat/completions",
        "form": "openai_chat",
        "model": "m",
        "monthly_budget": 1,
        "billing_acknowledged": True,
    },
    "mcp": {"url": "http://{host}/mcp"},
    "postgresql": {"host": "{host}"},
    "redis": {"host": "{host}"},
    "saturation": {"url": "http://{host}/metrics", "engine": "vllm"},
    "tcp": {"host": "{host}", "port": 25},
    "tls": {"host": "{host}", "port": 25, "starttls": "smtp"},
    "websocket": {"url": "ws://{host}/"},
}


def test_each_kind_of_monitor_is_asked_where_it_dials() -> None:
    assert set(KINDS) == set(PROBERS)


def at(host: str, config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value.format(host=host) if isinstance(value, str) else value for key, value in config.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("egress", ["public", "203.0.113.0/24:1;public:1"])
def test_a_refused_target_of_every_kind_is_blocked_in_words_that_name_the_setting(
    on_loop: Any, kind: str, egress: str
) -> None:
    async def resolve(name: str) -> list[str]:
        raise AssertionError(f"{name} was looked up")

    dialer = Dialer(parse_egress(egress), resolve, setting="VIGIL_EGRESS of host probe-7")
    seen = on_loop(looked(kind, at("10.0.0.1", KINDS[kind]), dialer=dialer, timeout_s=2))
    assert (seen.status, seen.reason) == (Status.UNKNOWN, Reason.BLOCKED), seen.detail
    assert seen.detail.startswith("VIGIL_EGRESS of host probe-7 refuses it: 10.0.0.1 "), seen.detail


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "dns"])
@pytest.mark.parametrize("answers", [["10.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["2606:4700::1", "fd00::1"], ["0.0.0.0"]])
def test_a_name_of_every_kind_is_blocked_when_one_of_its_addresses_is_refused(
    on_loop: Any, kind: str, answers: list[str]
) -> None:
    async def resolve(name: str) -> list[str]:
        return answers

    dialer = Dialer(Egress.PUBLIC, resolve, setting="VIGIL_EGRESS=public of host probe-7")
    seen = on_loop(looked(kind, at("inside.example", KINDS[kind]), dialer=dialer, timeout_s=2))
    assert (seen.status, seen.reason) == (Status.UNKNOWN, Reason.BLOCKED), seen.detail
    assert "VIGIL_EGRESS=public of host probe-7 refuses it" in seen.detail


def test_a_port_is_refused_after_the_name_is_resolved_as_before(on_loop: Any) -> None:
    async def resolve(name: str) -> list[str]:
        return ["10.0.0.1"]

    dialer = Dialer(parse_egress("10.0.0.0/8:443"), resolve)
    assert on_loop(addresses_of(dialer, "a.example", 443, Trace())) == ["10.0.0.1"]
    with pytest.raises(Blocked, match=r"refuses it: 10\.0\.0\.1 port 22 is on none of its entries"):
        on_loop(addresses_of(dialer, "a.example", 22, Trace()))
    assert [address for address in PUBLIC if dialer.egress.refusal(address, 443) is None] == []
