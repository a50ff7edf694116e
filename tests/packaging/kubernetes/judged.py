"""Network policies as Kubernetes judges by them: what a pod may send to addresses outside of its cluster."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from tests.packaging.kubernetes.rendered import KubernetesObject, Rendered

Labels = Mapping[str, str]


def labels_of(rendered: Rendered, kind: str, name: str) -> Labels:
    labels: Labels = rendered[kind, name]["spec"]["template"]["metadata"]["labels"]
    return labels


def lets_out(rendered: Rendered, labels: Labels, address: str, port: int, protocol: str = "TCP") -> bool:
    """Whether one rule of one policy for the pod admits the packet. Policies add up, and none takes anything away."""
    policies = [spec for spec in _policies(rendered) if _chooses(spec["podSelector"], labels)]
    assert any("Egress" in spec["policyTypes"] for spec in policies), f"no policy judges what {labels} sends"
    return any(_admits(rule, address, port, protocol) for spec in policies for rule in spec.get("egress", ()))


def blocks(rendered: Rendered) -> Iterator[KubernetesObject]:
    """Each `ipBlock`."""
    for spec in _policies(rendered):
        for rule in spec.get("egress", ()):
            yield from (peer["ipBlock"] for peer in rule.get("to", ()) if "ipBlock" in peer)


def _policies(rendered: Rendered) -> Iterator[KubernetesObject]:
    yield from (one["spec"] for (kind, _), one in rendered.items() if kind == "NetworkPolicy")


def _chooses(selector: KubernetesObject, labels: Labels) -> bool:
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for asked in selector.get("matchExpressions", ()):
        assert asked["operator"] in ("In", "NotIn"), asked
        if (labels.get(asked["key"]) in asked["values"]) is not (asked["operator"] == "In"):
            return False
    return True


def _admits(rule: KubernetesObject, address: str, port: int, protocol: str) -> bool:
    ports, peers = rule.get("ports"), rule.get("to")
    if ports and not any(_is_port(each, port, protocol) for each in ports):
        return False
    # A rule without peers is for every address; a peer of labels is for pods.
    return not peers or any("ipBlock" in peer and _is_in(peer["ipBlock"], address) for peer in peers)


def _is_port(asked: KubernetesObject, port: int, protocol: str) -> bool:
    first: int = asked["port"]
    last: int = asked.get("endPort", first)
    return bool(asked["protocol"] == protocol) and first <= port <= last


def _is_in(block: dict[str, Any], address: str) -> bool:
    at = _address(address)
    return at in _network(block["cidr"]) and not any(at in _network(part) for part in block.get("except", ()))


_address, _network = lru_cache(maxsize=None)(ipaddress.ip_address), lru_cache(maxsize=None)(ipaddress.ip_network)
