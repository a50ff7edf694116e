"""Run the benchmarks behind the published figures.

manage.py bench NAME [options]      each one explains itself with --help
"""

from __future__ import annotations

import argparse
import importlib

#: name -> (module, what it measures in one line)
BENCHES: dict[str, tuple[str, str]] = {
    "api": ("vigil.bench.api", "the API: CPU and statements of a request, 10,000 monitors created and deleted in bulk"),
    "code": ("vigil.bench.code", "monitors as code: time of a plan and of its application"),
    "consensus": (
        "vigil.bench.consensus",
        "consensus: results a second on one core, memory per monitor and region",
    ),
    "deliver": (
        "vigil.bench.deliver.run",
        "alerts: deliveries a second on one core, time until accepted, messages of a storm",
    ),
    "detect": ("vigil.bench.detect", "real processes: time to detect an outage, for refused and hanging targets"),
    "e2e": ("vigil.bench.e2e", "the whole system: schedule lag, verdict lag, CPU per check by process"),
    "history": (
        "vigil.bench.history.run",
        "history: bytes per check compared with a row per check, queries over a year",
    ),
    "ingest": ("vigil.bench.ingest", "ingest: CPU of a verdict, with and without an incident, verdicts a second"),
    "metrics": ("vigil.bench.metrics", "metrics of monitors: time and size of a scrape of 2,000 monitors in 5 regions"),
    "pages": (
        "vigil.bench.pages.run",
        "pages in a real browser: first paint, server time, bytes, accessibility",
    ),
    "ping": ("vigil.bench.ping.run", "pings: acknowledged a second, p99, a burst, sweeps, a soak test with kills"),
    "probe": (
        "vigil.bench.probe.run",
        "one region worker: CPU per check compared with httpx and blackbox_exporter, memory, confirm lag",
    ),
    "scale": ("vigil.bench.scale.run", "the control plane under many monitors: cores, lags, memory, growth"),
    "soak": (
        "vigil.bench.soak.run",
        "the whole system under nemeses for minutes or hours: what was lost, invented, doubled or late, and memory",
    ),
    "subscribers": (
        "vigil.bench.subscribers.run",
        "status pages: time until 10,000 subscribers are told by mail, letters lost or repeated by kills",
    ),
}


def add(parser: argparse.ArgumentParser) -> None:
    names = parser.add_subparsers(dest="bench", required=True, metavar="NAME")
    for name, (module_name, summary) in BENCHES.items():
        module = importlib.import_module(module_name)
        chosen = names.add_parser(
            name, help=summary, description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        module.add(chosen)
        chosen.set_defaults(measure=module.run)


def run(args: argparse.Namespace) -> int:
    return int(args.measure(args))
