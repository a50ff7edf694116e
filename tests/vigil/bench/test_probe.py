"""The benchmark of the prober: its numbers from made-up costs, its targets and yardstick over real sockets."""

from __future__ import annotations

import os
import ssl
import urllib.request
from pathlib import Path

import pytest

from vigil.bench.measure import cpu_ns, rss_mb
from vigil.bench.probe.rig import make_certificates, targets
from vigil.bench.probe.run import BUDGETS, report_of
from vigil.bench.report import render, until
from vigil.cli.errors import CommandError

COSTS = {"http": 250.0, "httpx_http": 1000.0, "https": 1000.0, "httpx_https": 2000.0, "tcp": 110.0}


def test_the_report_sets_our_costs_beside_those_of_the_others() -> None:
    report = report_of({**COSTS, "blackbox_http": 500.0, "blackbox_https": 1250.0})
    assert (report["http_us"], report["http_vs_httpx"], report["http_vs_blackbox"]) == (250.0, 0.25, 0.5)
    assert (report["https_us"], report["https_vs_httpx"], report["https_vs_blackbox"]) == (1000.0, 0.5, 0.8)
    assert (report["tcp_us"], report["tcp_vs_httpx"]) == (110.0, 0.11)


def test_where_no_exporter_is_installed_its_parts_are_not_measured() -> None:
    report = report_of(COSTS)
    assert report["http_vs_blackbox"] is report["https_vs_blackbox"] is None
    assert "not measured" in render(dict(report))


def test_what_exceeds_its_budget_is_marked() -> None:
    lines = render({"http_vs_httpx": BUDGETS["http_vs_httpx"] + 0.01, "tcp_vs_httpx": 0.1}, BUDGETS).splitlines()
    assert "EXCEEDED" in lines[0]
    assert "EXCEEDED" not in lines[1]


def test_the_use_of_a_process_is_read_from_the_kernel() -> None:
    before = cpu_ns(os.getpid())
    sum(range(1_000_000))
    assert cpu_ns(os.getpid()) > before
    assert 1 < rss_mb(os.getpid()) < 10_000


def test_the_targets_answer_with_a_certificate_that_verifies(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    trusting = ssl.create_default_context(cafile=str(certificates.authority))
    with targets(tmp_path, certificates) as there:
        for url in (there.http, there.https):
            with urllib.request.urlopen(url, context=trusting, timeout=10) as answer:
                assert (answer.status, answer.read()) == (200, b"ok\n")


def test_what_does_not_come_about_in_time_is_told_in_one_line() -> None:
    with pytest.raises(CommandError, match="it does not start within"):
        until(lambda: False, "it does not start", within_s=0.02)
