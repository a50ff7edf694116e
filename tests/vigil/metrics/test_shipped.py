"""Rules and dashboards that ship: Prometheus takes them, their stories hold, and they query what exists."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from django.test import Client

from probes.process.metrics.families import FAMILIES, MetricKind
from vigil.history.models import SizeSample
from vigil.metrics import refusals, shards
from vigil.metrics.core.monitor_samples import FAMILIES as MONITOR_FAMILIES
from vigil.metrics.installation import regions

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
RULES = DEPLOY / "prometheus" / "vigil-rules.yaml"
STORIES = Path(__file__).with_name("rules.test.yaml")
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
#: A name of a metric of ours, of blackbox_exporter or of Synthetic Monitoring, or of a recording rule.
NAME = re.compile(r"\b(?:(?:vigil|probe|sm)_[a-z0-9_]+|vigil:[a-z0-9_:]+)\b")
#: Panels of Grafana itself, and units that it knows, of those that ours have.
PANELS = {"row", "stat", "timeseries", "bargauge"}
UNITS = {"short", "s", "ops", "bytes", "percentunit"}
#: What dashboards of others for blackbox_exporter and for Synthetic Monitoring query.
OF_OTHERS = {
    "probe_success", "probe_duration_seconds", "probe_http_duration_seconds", "probe_http_status_code",
    "probe_http_version", "probe_http_ssl", "probe_http_redirects", "probe_tls_version_info",
    "probe_ssl_earliest_cert_expiry", "probe_dns_lookup_time_seconds", "probe_ip_protocol",
    "probe_icmp_duration_seconds", "probe_dns_answer_rrs", "probe_all_success_sum", "probe_all_success_count",
    "probe_all_duration_seconds_sum", "probe_all_duration_seconds_count", "probe_all_duration_seconds_bucket",
    "sm_check_info",
}  # fmt: skip


def series(name: str, kind: str) -> set[str]:
    """The names under which a family's samples are stored."""
    suffixes = {
        MetricKind.COUNTER: ("_total",),
        MetricKind.HISTOGRAM: ("_bucket", "_sum", "_count"),
        "summary": ("_sum", "_count"),
    }
    return {name + suffix for suffix in suffixes.get(kind, ("",))}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def queries(part: object) -> Iterator[str]:
    """Every query of a dashboard, those of its variables as well."""
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name in ("expr", "query") and isinstance(value, str):
                yield value
            yield from queries(value)
    elif isinstance(part, list):
        for each in part:
            yield from queries(each)


@pytest.fixture
def known(db: None, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every series that a process, the page of web, or a monitor has; and what the rules record."""
    for day, size in ((1, 10), (2, 20)):
        SizeSample.objects.create(day=day, database_bytes=size, history_bytes=size)
    with redis.Redis.from_url(redis_url) as client:
        for asking in (refusals, regions, shards):
            monkeypatch.setattr(asking, "redis_client", lambda: client)
        page = Client(SERVER_NAME="127.0.0.1", REMOTE_ADDR="127.0.0.1").get("/metrics").content.decode()
    of_web = set(re.findall(r"^# TYPE (\S+)", page, re.MULTILINE))
    of_processes = {name for family in FAMILIES for name in series(family.name, family.kind)}
    of_monitors = {found for name, (kind, _) in MONITOR_FAMILIES.items() for found in series(name, kind)}
    return of_web | of_processes | of_monitors | {rule["record"] for rule in rules() if "record" in rule}


def test_the_stories_of_every_alert_hold(tmp_path: Path) -> None:
    stories = tmp_path / "stories.yaml"
    stories.write_text(STORIES.read_text().replace("RULES", str(RULES)))
    for command in (["check", "rules", "--lint-fatal", str(RULES)], ["test", "rules", str(stories)]):
        done = subprocess.run(["promtool", *command], capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    told = {each["alertname"] for story in yaml.safe_load(STORIES.read_text())["tests"]
            for each in story["alert_rule_test"] if each.get("exp_alerts")}  # fmt: skip
    assert told == {rule["alert"] for rule in rules() if "alert" in rule}


def test_every_alert_has_its_entry_in_the_runbook() -> None:
    headings = re.findall(r"(?m)^### (\w+)$", (DEPLOY / "guide" / "runbook.md").read_text())
    alerts = [rule for rule in rules() if "alert" in rule]
    assert {rule["alert"] for rule in alerts} == set(headings)
    assert {rule["annotations"]["runbook_url"] for rule in alerts} == {
        f"deploy/guide/runbook.md#{heading.lower()}" for heading in headings
    }


def test_rules_query_what_exists(known: set[str]) -> None:
    assert {name for rule in rules() for name in NAME.findall(rule["expr"])} - known == set()


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_query_what_exists(path: Path, known: set[str]) -> None:
    dashboard = json.loads(path.read_text())
    found = {name for query in queries(dashboard) for name in NAME.findall(query)}
    assert found and found - known == set()
    assert dashboard["uid"] and "__inputs" not in dashboard
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_prometheus_understands_every_query_of_a_dashboard(path: Path, tmp_path: Path) -> None:
    shown = path.read_text().replace("$__rate_interval", "5m")
    exprs = [query["expr"] for panel in json.loads(shown)["panels"] for query in panel.get("targets", [])]
    plain = [re.sub(r"\$(job|region)\b", ".*", expr) for expr in exprs]
    assert plain and not any("$" in expr for expr in plain)
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(plain)]
    written = tmp_path / "panels.yaml"
    written.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    command = ["promtool", "check", "rules", str(written)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_stand_beside_each_other_and_ask_the_chosen_source(path: Path) -> None:
    dashboard = json.loads(path.read_text())
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = set(product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])))
        assert not taken & cells and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
        assert panel["type"] in PANELS
        sources = [panel["datasource"]["uid"], *(one["datasource"]["uid"] for one in panel["targets"])] if (
            panel["type"] != "row"
        ) else []  # fmt: skip
        assert set(sources) <= {"${datasource}"}
        assert panel.get("fieldConfig", {"defaults": {"unit": "s"}})["defaults"]["unit"] in UNITS


def test_dashboards_of_others_find_their_metrics(known: set[str]) -> None:
    assert OF_OTHERS - known == set()
