"""Prometheus with blackbox_exporter: jobs, relabelling, modules, discovery by file, and alert rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.vigil.importers.imports import Result, golden, imported, planned, written
from vigil.importers.core.prometheus.document import PrometheusFiles
from vigil.importers.core.prometheus.relabel import relabelled
from vigil.importers.core.report import ItemOutcome, SourceError

CONFIG = """\
global: {scrape_interval: 15s}
rule_files: [/etc/prometheus/rules/*.yml]
scrape_configs:
  - job_name: node
    static_configs: [{targets: ["localhost:9100"]}]
  - job_name: web
    metrics_path: /probe
    params: {module: [http_2xx]}
    static_configs:
      - targets: ["https://shop.example/?token=obviously-fake"]
        labels: {team: core}
    file_sd_configs: [{files: [/etc/prometheus/targets/*.json]}]
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: "blackbox:9115"}
"""
MODULES = """\
modules:
  http_2xx:
    prober: http
    timeout: 5s
    http:
      valid_status_codes: []
      basic_auth: {username: bot, password: obviously-fake}
      fail_if_body_not_matches_regexp: ["all is (well|fine)"]
      tls_config: {insecure_skip_verify: true}
"""
RULES = """\
groups:
  - name: probes
    rules:
      - {alert: Down, expr: 'probe_success{job="web"} == 0', for: 2m}
      - {alert: Other, expr: up == 0}
"""
_THROUGH = [
    {"source_labels": ["__address__"], "target_label": "__param_target"},
    {"source_labels": ["__param_target"], "target_label": "instance"},
]


def folder(path: Path) -> Path:
    written(path, MODULES, "blackbox.yml")
    written(path, RULES, "rules/probes.yml")
    written(path, '[{"targets": ["plain.example:8080"], "labels": {"env": "prod"}}]', "targets/a.json")
    return written(path, CONFIG, "prometheus.yml")


def golden_import(path: Path) -> Result:
    return imported("prometheus", folder(path))


def probed(target: str, module: dict[str, Any], rules: list[dict[str, Any]] | None = None) -> Result:
    """The result of one target of a job `j` by one module."""
    job = {"job_name": "j", "metrics_path": "/probe", "params": {"module": ["m"]},
           "static_configs": [{"targets": [target]}], "relabel_configs": _THROUGH}  # fmt: skip
    groups = [{"groups": [{"rules": rules or []}]}]
    return planned("prometheus", PrometheusFiles([{"scrape_configs": [job]}], {"m": module}, rules=groups))


def test_a_configuration_and_what_it_names_become_a_file(tmp_path: Path) -> None:
    made = golden_import(tmp_path)
    assert made.text == golden("prometheus")
    assert "obviously-fake" not in made.text + str(made.report.as_json())
    assert imported("prometheus", tmp_path).document["monitors"] == made.document["monitors"]


@pytest.mark.parametrize(
    ("target", "module", "kind", "config"),
    [
        ("db.example:5432", {"prober": "tcp"}, "tcp", {"host": "db.example", "port": 5432}),
        ("h.example:22", {"prober": "tcp", "tcp": {"query_response": [{"expect": "^SSH-2.0-"}]}}, "tcp",
         {"host": "h.example", "port": 22, "assertions": [{"type": "regex", "pattern": "^SSH-2.0-"}]}),
        ("m.example:25", {"prober": "tcp", "tcp": {"query_response": [{"starttls": True}]}}, "tls",
         {"host": "m.example", "port": 25, "starttls": "smtp", "degraded_days": 14, "down_days": 0}),
        ("192.0.2.7", {"prober": "icmp"}, "icmp", {"host": "192.0.2.7", "tcp_port": 0}),
        ("8.8.8.8", {"prober": "dns", "dns": {"query_name": "example.com", "query_type": "MX"}}, "dns",
         {"name": "example.com", "record": "MX", "resolver": "8.8.8.8"}),
        ("g.example:443", {"prober": "grpc", "grpc": {"tls": True, "service": "a.B"}}, "grpc",
         {"host": "g.example", "port": 443, "tls": True, "service": "a.B"}),
        ("s.example", {"prober": "http", "http": {"fail_if_body_json_not_matches_cel": "body.a.b == 'up'"}}, "http",
         {"url": "http://s.example", "expected_status": ["200-299"],
          "assertions": [{"type": "jsonpath", "path": "$.a.b", "equals": "up"}]}),
    ],
)  # fmt: skip
def test_a_module_picks_the_kind(target: str, module: dict[str, Any], kind: str, config: dict[str, Any]) -> None:
    (entry,) = probed(target, module).document["monitors"].values()
    assert entry[kind] == config


@pytest.mark.parametrize(
    ("module", "why"),
    [
        ({"prober": "unix"}, "no check like"),
        ({"prober": "tcp"}, "no port"),
        ({"prober": "http", "http": {"oauth2": {"client_id": "a"}}}, "token"),
        ({"prober": "dns", "dns": {"query_name": "example.com"}}, "ANY"),
    ],
)
def test_what_no_monitor_can_ask_is_refused_with_why(module: dict[str, Any], why: str) -> None:
    made = probed("host.example", module)
    assert made.item("j/host.example").outcome is ItemOutcome.REFUSED and why in made.why("j/host.example")


def test_alert_rules_set_sensitivity_and_limits() -> None:
    rules = [
        {"alert": "Down", "expr": "probe_success == 0"},
        {"alert": "Cert", "expr": "(probe_ssl_earliest_cert_expiry - time()) / 86400 < 21"},
        {"alert": "Slow", "expr": 'probe_duration_seconds{job=~"j|k"} > 2.5'},
        {"alert": "Elsewhere", "expr": 'probe_duration_seconds{job="k"} > 1'},
    ]
    (entry,) = probed("https://shop.example", {"prober": "http"}, rules).document["monitors"].values()
    assert entry["sensitivity"] == "high"
    assert entry["http"]["assertions"] == [
        {"type": "certificate_days", "degraded_days": 21}, {"type": "latency", "degraded_ms": 2500}
    ]  # fmt: skip


def test_relabelling_is_that_of_prometheus() -> None:
    labels = {"__address__": "icmp;host.example", "env": "dev"}
    rules = [
        {"source_labels": ["__address__"], "regex": "(.*);.*", "target_label": "__param_module"},
        {"source_labels": ["__address__"], "regex": ".*;(.*)", "target_label": "__param_target", "replacement": "${1}"},
        {"regex": "env", "action": "labeldrop"},
        {"source_labels": ["gone", "__param_module"], "separator": "-", "target_label": "joined"},
        {"source_labels": ["__param_module"], "regex": "http.*", "target_label": "never"},
    ]
    assert relabelled(labels, rules) == {
        "__address__": "icmp;host.example", "__param_module": "icmp", "__param_target": "host.example",
        "joined": "-icmp",
    }  # fmt: skip
    assert relabelled(labels, [{"source_labels": ["env"], "regex": "prod", "action": "keep"}]) is None
    assert relabelled(labels, [{"source_labels": ["env"], "regex": "(a+)+$(", "action": "drop"}]) == labels


def test_nothing_outside_the_folder_is_opened(tmp_path: Path) -> None:
    written(tmp_path, '[{"targets": ["secret.example"]}]', "targets.json")
    content = CONFIG.replace("/etc/prometheus/targets/*.json", "../targets.json")
    made = imported("prometheus", written(tmp_path, content, "inside/prometheus.yml"))
    assert "secret.example" not in made.text
    assert any("../targets.json" in note for note in made.report.notes)


def test_a_configuration_without_probes_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no job here probes"):
        imported("prometheus", written(tmp_path, "scrape_configs: [{job_name: node}]\n"))
