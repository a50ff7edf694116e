"""Query of `/probe`, as blackbox_exporter's: target, module and region; and the answer from stored votes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from probes.reasons import Status
from probes.wire import Result
from vigil.metrics.core.blackbox import PROBE_FAMILIES, passed, samples
from vigil.metrics.core.monitor_samples import PAUSED, STATES, MeasuredMonitor
from vigil.metrics.core.text import SampleText, label

TARGET_MOST = 2_000
#: The kinds of monitors that a module of blackbox_exporter's example means; "" is any kind.
MODULES: Mapping[str, str] = {
    "": "", "any": "", "http": "http", "http_2xx": "http", "http_post_2xx": "http", "tcp": "tcp", "tcp_connect": "tcp",
    "tcp_connect_tls": "tls", "tls": "tls", "icmp": "icmp", "ping": "icmp", "dns": "dns", "dns_udp": "dns",
    "dns_tcp": "dns", "grpc": "grpc", "grpc_plain": "grpc", "websocket": "websocket", "domain": "domain",
    "redis": "redis", "postgresql": "postgresql", "saturation": "saturation",
}  # fmt: skip


class BadQuery(Exception):
    """A query that cannot be answered; the message says what to send."""


@dataclass(frozen=True, slots=True)
class ProbeQuery:
    """What a scraper asks: `kind` and `region` are empty where any will do."""

    target: str
    kind: str = ""
    region: str = ""
    is_debug: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """The target as a monitor may write its address; without a scheme it is http, as blackbox_exporter's."""
        url = self.target if "://" in self.target else f"http://{self.target}"
        return (self.target, url, url.removesuffix("/") if url.endswith("/") else f"{url}/")

    @property
    def endpoint(self) -> tuple[str, int] | None:
        """Host and port of a target like `mail.example.com:25`."""
        host, _, port = self.target.rpartition(":")
        is_port = port.isascii() and port.isdigit() and len(port) <= 5
        return (host.removeprefix("[").removesuffix("]"), int(port)) if host and is_port else None


def parse_query(given: Mapping[str, str]) -> ProbeQuery:
    """Read the parameters of a request; raises `BadQuery`."""
    target, module = given.get("target", "").strip(), given.get("module", "")
    if not target or len(target) > TARGET_MOST:
        raise BadQuery("Give ?target=, the id, the name or the address of a monitor.")
    if module not in MODULES:
        raise BadQuery(f"Unknown module: use one of {', '.join(sorted(filter(None, MODULES)))}, or none.")
    is_debug = given.get("debug") == "true"
    return ProbeQuery(target, MODULES[module], given.get("region", "")[:40], is_debug)


def probe_text(monitor: MeasuredMonitor, results: Mapping[str, Result], region: str) -> bytes:
    """The answer of a probe. Of one region: what it saw. Else its success is the committed status, which most regions
    agreed on, and the rest is of the newest result that agrees with it."""
    families = {**PROBE_FAMILIES, "vigil_monitor_state": ("gauge", "1 for the status that most regions agreed on")}
    text = SampleText(families)
    chosen = _chosen(monitor, results, region)
    if chosen is not None:
        for family, more, value in samples(monitor.kind, chosen):
            if region or family != "probe_success":
                text.add(family, more.removeprefix(","), value)
    committed = None if monitor.state == PAUSED else passed(Status(monitor.state))
    if not region and committed is not None:
        text.add("probe_success", "", int(committed))
    for state in STATES:
        text.add("vigil_monitor_state", label("state", state), int(state == monitor.state))
    return text.text()


def debug_text(monitor: MeasuredMonitor, results: Mapping[str, Result], region: str) -> bytes:
    """What `debug=true` says: which results the answer is made of, and the answer."""
    chosen = _chosen(monitor, results, region)
    lines = [
        f"{slug}: {one.status} ({one.reason}), begun at {one.started_ms / 1e3:.3f}{' <- told' if one is chosen else ''}"
        for slug, one in results.items()
    ]
    said = "\n".join(["Stored results, nothing was asked of the target:", *(lines or ["none that are of now"])])
    about = f"{monitor.public_id}, kind {monitor.kind}, {monitor.state}, every {monitor.interval_s} s"
    words = f"Monitor: {about}\n{said}\n\n\n\nMetrics that would have been returned:\n"
    return words.encode() + probe_text(monitor, results, region)


def _chosen(monitor: MeasuredMonitor, results: Mapping[str, Result], region: str) -> Result | None:
    return results.get(region) if region else agreeing(monitor.state, results)


def agreeing(state: str, results: Mapping[str, Result]) -> Result | None:
    """The newest result that says the same as the status; the newest of all where none does."""
    newest = sorted(results.values(), key=lambda result: result.started_ms, reverse=True)
    wanted = None if state == PAUSED else passed(Status(state))
    return next((one for one in newest if passed(one.status) is wanted), newest[0] if newest else None)
