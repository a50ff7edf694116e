"""The network policies, and the second wall among them: a worker sends where its egress guard lets it dial."""

from __future__ import annotations

import ipaddress

import pytest
import yaml

from deploy.network_policies import files
from probes.net.egress import parse_egress
from probes.net.guard import Egress, refusal, refused_networks
from tests.e2e.namespaces.test_nftables import as_sent
from tests.packaging.deployment_tools import run_tool
from tests.packaging.kubernetes.judged import Labels, blocks, labels_of, lets_out
from tests.packaging.kubernetes.rendered import (
    CHART,
    KUSTOMIZE,
    WORKLOADS,
    Rendered,
    objects,
    of_helm,
    of_kustomize,
    pods,
)
from tests.probes.net.test_guard import corpus

# The programs are installed once, by one worker of the tests.
pytestmark = [pytest.mark.xdist_group("deployments"), pytest.mark.timeout(300)]
REGION, LISTED = "region-values.yaml", "ci/listed-region-values.yaml"
#: As packets carry them: without a zone, and IPv4 as IPv4.
SENT = [as_sent(address.partition("%")[0]) for address, _, _ in corpus()]
#: What a worker in a release of its own, and one beside the control plane, is rendered from.
WORKERS = {
    "helm": lambda: (of_helm(REGION, release="vigil-eu-west"), "vigil-eu-west-region"),
    "kustomize": lambda: (of_kustomize(KUSTOMIZE / "region"), "vigil-eu-west-region"),
    "beside": lambda: (with_egress("public", "values.yaml"), "vigil-region"),
}


def with_egress(egress: str, values: str = REGION) -> Rendered:
    escaped = egress.replace(",", "\\,")
    given = ("--set-string", f"region.egress={escaped}", "--set", "region.name=office,region.enabled=true")
    return objects(run_tool("helm", "template", "vigil", str(CHART), "--values", str(CHART / values), *given))


def worker(rendered: Rendered, name: str = "vigil-region") -> Labels:
    return labels_of(rendered, "StatefulSet", name)


def is_isatap_in_public(address: str) -> bool:
    """Whether it is an IPv4 address behind 0:5efe under a public prefix, which no network of a policy can describe."""
    at = ipaddress.ip_address(address)
    return at.version == 6 and int(at) >> 32 & 0xFDFF_FFFF == 0x5EFE and at in ipaddress.ip_network("2000::/3")


def edges() -> list[str]:
    """The first and last address of each refused network, and their neighbours; the same behind NAT64."""
    found = set()
    for network in refused_networks(Egress.PUBLIC):
        kind, most = type(network[0]), 2**network.max_prefixlen - 1
        for number in (int(network[0]), int(network[-1])):
            near = {min(max(number + step, 0), most) for step in (-1, 0, 1)}
            found |= {str(kind(each)) for each in near}
            if network.version == 4:
                found |= {str(ipaddress.IPv6Address((0x64_FF9B << 96) + each)) for each in near}
    return sorted(map(as_sent, found))


@pytest.mark.parametrize("place", WORKERS)
def test_inv_23_the_policies_of_a_public_worker_agree_with_its_guard_over_the_whole_corpus(place: str) -> None:
    rendered, name = WORKERS[place]()
    labels, addresses = worker(rendered, name), SENT + edges()
    dialled = {address for address in addresses if refusal(address, Egress.PUBLIC) is None}
    for port in (443, 5432, 6379):
        let_out = {address for address in addresses if lets_out(rendered, labels, address, port)}
        assert dialled - let_out == set()
        assert all(map(is_isatap_in_public, let_out - dialled)), let_out - dialled
    assert len(dialled) >= 100 and len(set(addresses) - dialled) >= 400


def test_addresses_behind_isatap_are_the_only_ones_left_to_the_guard_alone() -> None:
    rendered = of_helm(REGION)
    over = {at for at in SENT if lets_out(rendered, worker(rendered), at, 443) and refusal(at, Egress.PUBLIC)}
    assert over == {at for at in SENT if is_isatap_in_public(at) and refusal(at, Egress.PUBLIC)} != set()


def test_the_chart_and_the_overlay_hold_the_addresses_of_the_guard() -> None:
    stale = [file.name for file, text in files().items() if file.read_text() != text]
    assert stale == [], "run deploy/network_policies.py"


def test_the_names_of_a_public_worker_are_resolved_wherever_its_name_server_is() -> None:
    rendered = of_helm(REGION)
    for server in ("169.254.20.10", "10.96.0.10", "fd00:10:96::a", "8.8.8.8"):
        assert lets_out(rendered, worker(rendered), server, 53, "UDP")
        assert lets_out(rendered, worker(rendered), server, 53, "TCP")
    assert not lets_out(rendered, worker(rendered), "169.254.20.10", 54, "UDP")


def test_a_private_worker_is_let_out_everywhere() -> None:
    rendered = with_egress("private")
    assert all(lets_out(rendered, worker(rendered), address, 22) for address in SENT)


@pytest.mark.parametrize("port", [22, 443, 8000, 8100, 8101])
def test_the_policy_of_a_worker_with_a_list_follows_from_the_list(port: int) -> None:
    rendered = of_helm(LISTED)
    listed = yaml.safe_load((CHART / LISTED).read_text())["region"]["egress"]
    rule = parse_egress(listed)
    inside = ["10.1.2.3", "192.168.7.7", "192.168.7.8", "fd12::1", "fd13::1", "2001:db8:5::9", "2001:db8:6::9"]
    addresses = SENT + edges() + inside
    dialled = {address for address in addresses if rule.refusal(address, port) is None}
    let_out = {address for address in addresses if lets_out(rendered, worker(rendered), address, port)}
    # NAT64 is for public addresses alone (RFC 6052, 3.1), so the networks of a list have none.
    assert all(ipaddress.ip_address(each) in ipaddress.ip_network("64:ff9b::/96") for each in dialled - let_out)
    assert all("5efe" in each for each in let_out - dialled), let_out - dialled
    assert ("10.1.2.3" in let_out) is (port not in (22, 8101)) and "192.168.7.7" in let_out


def test_each_form_of_an_entry_becomes_the_rule_that_the_worker_reads_from_it() -> None:
    for text in ("10.0.0.7", "[::1]:443", "fd12::/16", "100.64.0.0/10:1-65535", "::/0", "127.0.0.0/8 ; public:443"):
        rendered, rule = with_egress(text), parse_egress(text)
        for address in ("10.0.0.7", "10.0.0.8", "::1", "fd12::9", "100.64.0.1", "127.0.0.1", "1.1.1.1"):
            for port in (80, 443):
                let_out = lets_out(rendered, worker(rendered), address, port)
                assert let_out is (rule.refusal(address, port) is None), (text, address, port)


def test_what_the_operator_adds_is_let_out_at_its_port_alone() -> None:
    rendered = of_helm(LISTED)
    let_out = [port for port in (443, 6379, 6380, 6381) if lets_out(rendered, worker(rendered), "10.0.0.9", port)]
    assert let_out == [443, 6380]
    assert not lets_out(rendered, worker(rendered), "192.168.7.8", 6380)


def test_processes_that_alert_reach_private_receivers_and_others_reach_their_servers_alone() -> None:
    rendered = of_helm(LISTED)
    for name, _ in pods(rendered):
        if ("Deployment", name) not in rendered:
            continue
        labels = labels_of(rendered, "Deployment", name)
        let_out = [port for port in (25, 443, 4318, 5432, 6380) if lets_out(rendered, labels, "10.0.0.1", port)]
        talks, exports = name in ("vigil-web", "vigil-deliver", "vigil-witness"), name == "vigil-record"
        assert let_out == ([25, 443, 4318, 5432, 6380] if talks else [4318, 5432, 6380] if exports else [5432, 6380])


def test_each_policy_and_service_chooses_pods_that_exist() -> None:
    labels = [
        one["spec"]["template"]["metadata"]["labels"] for (kind, _), one in of_helm().items() if kind in WORKLOADS
    ]
    for (kind, name), one in of_helm().items():
        if kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
            chosen = one["spec"].get("podSelector", one["spec"].get("selector"))
            wanted = chosen.get("matchLabels", chosen)
            assert [each for each in labels if wanted.items() <= each.items()], f"{kind} {name}"


def test_only_what_must_be_reached_is_reached() -> None:
    policies = {name: one["spec"] for (kind, name), one in of_helm().items() if kind == "NetworkPolicy"}
    assert policies["vigil"]["policyTypes"] == ["Ingress", "Egress"] and policies["vigil"]["ingress"] == []
    opened = {
        name: [port["port"] for port in one["ingress"][0]["ports"]]
        for name, one in policies.items()
        if one.get("ingress")
    }
    assert opened == {"vigil-web": [8000], "vigil-ping": [8001], "vigil-mcp": [8002], "vigil-mail": [2525]}


def test_each_recorder_reaches_the_collector_that_it_exports_to() -> None:
    policy = of_helm("ci/two-shards-values.yaml")["NetworkPolicy", "vigil-telemetry"]["spec"]
    (recorders,) = policy["podSelector"]["matchExpressions"]
    assert recorders["values"] == ["record", "record-1"]
    assert policy["egress"] == [{"ports": [{"port": 4318, "protocol": "TCP"}]}]


def test_kubernetes_takes_each_block_as_it_is_written() -> None:
    """Its schemas do not say so: networks are canonical, and an exception is a part of its network, not all of it."""
    found = [*blocks(of_helm(REGION)), *blocks(of_helm(LISTED))]
    assert len(found) >= 10
    for block in found:
        network = ipaddress.ip_network(block["cidr"])
        parts = [ipaddress.ip_network(part) for part in block.get("except", ())]
        assert all(str(part) == text for part, text in zip(parts, block.get("except", ()), strict=True))
        assert all(part.version == network.version and part != network for part in parts)
        assert all(network.supernet_of(part) for part in parts)  # type: ignore[arg-type]
