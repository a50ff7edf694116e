"""Prometheus: jobs without targets, another name than the target's, fields of modules, and rules by their matchers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.vigil.importers.imports import Result, imported, planned, written
from vigil.importers.core.prometheus.document import PrometheusFiles
from vigil.importers.core.report import ItemOutcome
from vigil.importers.registry import source_of

RELABEL = [
    {"source_labels": ["__address__"], "target_label": "__param_target"},
    {"source_labels": ["__param_target"], "target_label": "instance"},
    {"source_labels": ["virtual_host"], "target_label": "__param_hostname"},
]


def job(target: str = "https://shop.example", module: str = "m", **labels: str) -> dict[str, Any]:
    static = [{"targets": [target], "labels": labels}] if target else []
    return {
        "job_name": "web", "metrics_path": "/probe", "params": {"module": [module]}, "static_configs": static,
        "relabel_configs": RELABEL,
    }  # fmt: skip


def probed(given: dict[str, Any], module: dict[str, Any], rules: list[dict[str, Any]] | None = None) -> Result:
    files = PrometheusFiles([{"scrape_configs": [given]}], {"m": module})
    files.rules = [{"groups": [{"rules": rules or []}]}]
    return planned("prometheus", files)


def only(made: Result) -> dict[str, Any]:
    (entry,) = made.document["monitors"].values()
    return dict(entry)


@pytest.mark.parametrize("sd", [{}, {"file_sd_configs": [{"files": ["targets/*.yml"]}]}])
def test_a_job_none_of_whose_targets_is_there_is_named(sd: dict[str, Any]) -> None:
    made = probed(job("") | sd, {"prober": "http"})
    assert [(item.name, item.outcome) for item in made.report.items] == [("web", ItemOutcome.REFUSED)]
    discovered = probed(job("") | {"consul_sd_configs": [{"server": "c"}]}, {"prober": "http"})
    assert len(discovered.report.items) == 1 and "consul_sd" in discovered.why("web")


def test_a_target_is_asked_by_another_name_where_the_job_gives_one() -> None:
    http = only(probed(job("https://10.1.2.3", virtual_host="shop.example"), {"prober": "http"}))["http"]
    assert (http["headers"], http["server_name"]) == ([["Host", "shop.example"]], "shop.example")
    plain = only(probed(job("http://10.1.2.3", virtual_host="shop.example"), {"prober": "http"}))["http"]
    assert "server_name" not in plain
    tcp = only(probed(job("10.1.2.3:443", virtual_host="shop.example"), {"prober": "tcp", "tcp": {"tls": True}}))
    assert tcp["tcp"]["server_name"] == "shop.example"


def test_a_field_of_a_module_that_no_check_has_is_named() -> None:
    icmp = {"prober": "icmp", "icmp": {"payload_size": 1400, "ttl": 5, "preferred_ip_protocol": "ip4"}}
    assert "`payload_size`, `ttl` of its module: left out" in probed(job("shop.example"), icmp).why("web/shop.example")
    dns = {"prober": "dns", "dns": {"query_name": "shop.example", "query_type": "A", "transport_protocol": "tcp"}}
    assert "`transport_protocol`" in probed(job("192.0.2.1"), dns).why("web/192.0.2.1")


@pytest.mark.parametrize(
    ("says", "protocol"),
    [("EHLO prober\r", "smtp"), ("a1 STARTTLS", "imap"), ("STLS", "pop3"), ("AUTH TLS", "ftp")],
)
def test_the_protocol_that_begins_tls_is_told_by_the_conversation(says: str, protocol: str) -> None:
    steps = [{"send": says}, {"expect": "ok"}, {"starttls": True}]
    made = probed(job("mail.example:1025"), {"prober": "tcp", "tcp": {"query_response": steps}})
    assert only(made)["tls"]["starttls"] == protocol


def test_a_key_in_a_conversation_is_a_variable() -> None:
    steps = [{"send": "AUTH obviously-fake"}, {"expect": "OK"}]
    made = probed(job("cache.example:6379"), {"prober": "tcp", "tcp": {"query_response": steps}})
    assert "obviously-fake" not in made.text and only(made)["tcp"]["send"].startswith("${env:")


@pytest.mark.parametrize(
    ("selector", "is_about"),
    [
        ("", True), ('{job="web"}', True), ('{job="other"}', False), ('{job=~"w.*|x"}', True),
        ('{job=~"other.*"}', False), ('{job!="web"}', False), ('{job!~"o.*", team="core"}', True),
        ('{instance="https://else.example"}', False), ("{instance=~'https://shop\\\\..*'}", True),
    ],
)  # fmt: skip
def test_a_rule_counts_for_the_targets_that_its_matchers_meet(selector: str, is_about: bool) -> None:
    rule = {"alert": "Down", "expr": f"probe_success{selector} == 0", "for": "5m"}
    made = only(probed(job(team="core"), {"prober": "http"}, [rule]))
    assert (made.get("sensitivity") == "low") is is_about


PROBED = "{job_name: web, metrics_path: /probe, params: {module: [http_2xx]}, static_configs: [{targets: [a.example]}]}"


@pytest.mark.parametrize(
    "content",
    [
        f"prometheus: {{prometheusSpec: {{additionalScrapeConfigs: [{PROBED}]}}}}",
        f"kind: HelmRelease\nspec: {{values: {{extraScrapeConfigs: '[{PROBED}]'}}}}",
        f"serverFiles: {{prometheus.yml: {{scrape_configs: [{PROBED}]}}}}",
        f"kind: ConfigMap\ndata: {{prometheus.yml: 'scrape_configs: [{PROBED}]'}}",
        "kind: Probe\nspec: {jobName: web, module: http_2xx, targets: {staticConfig: {static: [a.example]}}}",
        "kind: ScrapeConfig\nspec: {jobName: web, metricsPath: /probe, params: {module: [http_2xx]}, "
        "staticConfigs: [{targets: [a.example]}]}",
    ],
    ids=["values", "release", "server files", "map", "probe", "scrape config"],
)
def test_jobs_are_found_where_charts_and_the_operator_keep_them(tmp_path: Path, content: str) -> None:
    path = written(tmp_path, content, "values.yaml")
    assert source_of(path) == "prometheus"
    assert only(imported("prometheus", path))["http"]["url"] == "http://a.example"
