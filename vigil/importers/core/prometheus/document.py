"""Prometheus document: every target of every job that probes through blackbox_exporter. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from vigil.importers.core.confirmation import sensitivity_for
from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedMonitor
from vigil.importers.core.prometheus.http import http_monitor, websocket_monitor
from vigil.importers.core.prometheus.modules import USUAL, note_on_rest
from vigil.importers.core.prometheus.relabel import Labels, relabelled
from vigil.importers.core.prometheus.rules import ProbeRule, rules_of
from vigil.importers.core.prometheus.sockets import dns_monitor, grpc_monitor, icmp_monitor, tcp_monitor
from vigil.importers.core.report import SourceError
from vigil.importers.core.values import entries, mapping, mappings, seconds, text

_PROBERS = {
    "http": http_monitor, "websocket": websocket_monitor, "tcp": tcp_monitor, "icmp": icmp_monitor,
    "dns": dns_monitor, "grpc": grpc_monitor,
}  # fmt: skip
_DISCOVERY = re.compile(r"(?P<name>\w+)_sd_configs\Z")
#: Objects of the operator of Prometheus.
OBJECTS = ("Probe", "ScrapeConfig")
_OWN_LABELS = ("instance", "job", "module")


@dataclass(slots=True)
class PrometheusFiles:
    """What was read: configurations, the targets of file discovery by pattern, modules, and rules."""

    configs: list[Any]
    modules: dict[str, Any] = field(default_factory=dict)
    targets: dict[str, list[Any]] = field(default_factory=dict)
    rules: list[Any] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan(files: PrometheusFiles, draft: Draft) -> None:
    """Add every probed target; raises `SourceError`."""
    rules, others = rules_of([*files.rules, *files.configs])
    count = 0
    for document in files.configs:
        defaults = mapping(mapping(document).get("global"))
        for job in _jobs(document, files.modules):
            count += 1
            _add_job(draft, files, job, defaults, rules)
    if not count and files.modules:
        raise SourceError("modules of blackbox_exporter are here, and no job that uses them: name the prometheus.yml")
    if not count:
        raise SourceError("no job here probes through blackbox_exporter: a job has `metrics_path: /probe`")
    for note in files.notes:
        draft.note(note)
    if others:
        draft.note(f"{others} other alert rules say nothing of a failed probe and are left out")


def _jobs(document: Any, modules: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Jobs that probe: scrape configurations, and the `Probe` objects of the operator of Prometheus."""
    for job in mappings(mapping(document).get("scrape_configs")):
        labels = [text(rule.get("target_label")) for rule in mappings(job.get("relabel_configs"))]
        # Other exporters are asked for targets as well, such as snmp_exporter at /snmp.
        named = {text(each) for each in entries(mapping(job.get("params")).get("module"))}
        is_probed = "__param_target" in labels and not named.isdisjoint({*modules, *USUAL})
        if text(job.get("metrics_path")).rstrip("/").endswith("/probe") or is_probed:
            yield job
    if mapping(document).get("kind") in OBJECTS:
        spec = mapping(mapping(document).get("spec"))
        if document["kind"] == "Probe" or text(spec.get("metricsPath")).rstrip("/").endswith("/probe"):
            yield _of_object(mapping(document), spec)


def _of_object(document: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """The job of a `Probe` or `ScrapeConfig` object."""
    name = text(spec.get("jobName")) or text(mapping(document.get("metadata")).get("name")) or "probe"
    job = {"job_name": name, "scrape_interval": spec.get("interval") or spec.get("scrapeInterval"),
           "scrape_timeout": spec.get("scrapeTimeout")}  # fmt: skip
    if document["kind"] == "ScrapeConfig":
        return job | {"params": spec.get("params"), "static_configs": spec.get("staticConfigs"),
                      "relabel_configs": _camel(spec.get("relabelings"))}  # fmt: skip
    static = mapping(mapping(spec.get("targets")).get("staticConfig"))
    to_target = {"source_labels": ["__address__"], "target_label": "__param_target"}
    return job | {
        "params": {"module": [spec.get("module")]},
        "static_configs": [{"targets": static.get("static"), "labels": static.get("labels")}],
        "relabel_configs": [to_target, *_camel(static.get("relabelingConfigs"))],
    }


def _camel(rules: Any) -> list[dict[str, Any]]:
    names = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return [{names.get(name, name): value for name, value in rule.items()} for rule in mappings(rules)]


def _add_job(
    draft: Draft, files: PrometheusFiles, job: dict[str, Any], defaults: dict[str, Any], rules: list[ProbeRule]
) -> None:
    name = text(job.get("job_name")) or "probe"
    discovered = [match["name"] for key in job if (match := _DISCOVERY.match(key)) and job[key]]
    for found in discovered:
        if found != "file":
            draft.refuse("job", name, f"its targets come from {found}_sd at run time: list them in static_configs")
    given_params = mapping(job.get("params")).items()
    params = {f"__param_{key}": text((entries(value) or [""])[0]) for key, value in given_params}
    targets = list(_targets(job, files))
    if not targets and not set(discovered) - {"file"}:
        draft.refuse("job", name, "it has no target in the files that were read: list them in static_configs")
    for target, given in targets:
        labels = {
            "__address__": target, "job": name, "__metrics_path__": "/probe",
            **params, **given,
        }  # fmt: skip
        kept = relabelled(labels, job.get("relabel_configs"))
        if kept is None:
            draft.note(f"job {name}: relabelling drops some targets, as in Prometheus")
            continue
        monitor = _monitor(draft, files, kept, target)
        if monitor is None:
            continue
        monitor.interval_s = seconds(job.get("scrape_interval")) or seconds(defaults.get("scrape_interval")) or 60
        limits = [seconds(job.get("scrape_timeout")) or seconds(defaults.get("scrape_timeout")), monitor.timeout_s]
        monitor.timeout_s = min((limit for limit in limits if limit), default=None)
        monitor.tags = [kept.get("job", name), *(f"{key}:{value}" for key, value in sorted(kept.items())
                        if value and not key.startswith("__") and key not in _OWN_LABELS)]  # fmt: skip
        _apply(rules, {"instance": kept.get("__param_target", target), "job": name, **kept}, monitor)
        draft.add_monitor(monitor)


def _targets(job: dict[str, Any], files: PrometheusFiles) -> Iterator[tuple[str, Labels]]:
    groups = list(mappings(job.get("static_configs")))
    for discovery in mappings(job.get("file_sd_configs")):
        for pattern in entries(discovery.get("files")):
            groups += [group for document in files.targets.get(text(pattern), []) for group in mappings(document)]
    for group in groups:
        labels = {key: text(value) for key, value in mapping(group.get("labels")).items()}
        for target in entries(group.get("targets")):
            yield text(target).strip(), labels


def _monitor(draft: Draft, files: PrometheusFiles, labels: Labels, address: str) -> ImportedMonitor | None:
    target = labels.get("__param_target") or address
    module = labels.get("__param_module") or "http_2xx"
    shown = labels.get("instance") or target
    name = f"{labels['job']}/{shown}" if labels.get("job") else shown
    settings = files.modules.get(module, None if files.modules else USUAL.get(module))
    settings = USUAL.get(module) if settings is None else settings
    if settings is None:
        draft.refuse(
            "target",
            name,
            f"the module {module[:60]!r} is in no file: it is of another exporter, or blackbox.yml lies elsewhere",
        )
        return None
    prober = text(mapping(settings).get("prober"))
    maker = _PROBERS.get(prober)
    if maker is None:
        draft.refuse("target", name, f"Vigil has no check like the prober {prober[:40]!r}")
        return None
    origin = f"Prometheus job {labels.get('job')}, module {module}"
    made = maker(draft, name, target, mapping(mapping(settings).get(prober)), origin)
    if isinstance(made, str):
        draft.refuse("target", name, made)
        return None
    made.timeout_s = seconds(mapping(settings).get("timeout"))
    rest = note_on_rest(prober, mapping(mapping(settings).get(prober)))
    made.notes += [rest] if rest else []
    _ask_as(labels.get("__param_hostname", ""), made)
    return made


def _ask_as(host: str, monitor: ImportedMonitor) -> None:
    """Ask for another name than that of the target, which the parameter `hostname` gives."""
    if not host:
        return
    if monitor.kind == "http":
        headers = [pair for pair in monitor.config.get("headers", []) if pair[0].lower() != "host"]
        monitor.config["headers"] = [*headers, ["Host", host]]
    if monitor.kind == "tls" or monitor.config.get("tls") or text(monitor.config.get("url")).startswith("https"):
        monitor.config.setdefault("server_name", host)


def _apply(rules: list[ProbeRule], labels: Labels, monitor: ImportedMonitor) -> None:
    about = [rule for rule in rules if rule.is_about(labels)]
    waits = [rule.wait_s for rule in about if rule.wait_s is not None]
    if waits:
        monitor.sensitivity, notes = sensitivity_for(min(waits))
        monitor.notes += notes
    days, slow = max((rule.certificate_days for rule in about), default=0), [r.slow_ms for r in about if r.slow_ms]
    secure = text(monitor.config.get("url")).startswith(("https", "wss")) or monitor.config.get("tls")
    extra: list[dict[str, Any]] = []
    if days and secure and monitor.config.get("verify_tls") is not False:
        extra.append({"type": "certificate_days", "degraded_days": days})
    if slow and monitor.kind != "domain":
        extra.append({"type": "latency", "degraded_ms": min(slow)})
    if extra:
        monitor.config["assertions"] = [*monitor.config.get("assertions", []), *extra]
