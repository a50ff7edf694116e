"""What benchmarks measure, on made-up votes and processes; and the target, over a real socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from consensus.verdicts import Verdict, Vote
from consensus.vocabulary import Cause, Sensitivity, VerdictReason
from probes.reasons import Reason, Status
from probes.wire import Phases
from vigil.bench.e2e import E2eLoad, E2eSeen, report_of
from vigil.bench.measure import Usage, per_check, percentile, usages, verdict_lag_ms
from vigil.bench.report import render
from vigil.local.servers import ports


def vote(region: str, look: int, at_ms: int, total_ms: int, attempts: int = 1) -> Vote:
    return Vote(region, "d", look, Status.DOWN, Reason.REFUSED, at_ms, Phases(total_us=total_ms * 1000), attempts)


def verdict(decided_ms: int, votes: list[Vote]) -> Verdict:
    return Verdict(
        1, "rnd", "mon", Status.DOWN, VerdictReason.QUORUM_FAILED, Reason.REFUSED, decided_ms, 0, 0,
        3, 3, 2, 2, votes, [], [], Sensitivity.HIGH, Cause.FAILURE, "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "part", "expected"),
    [
        ([], 0.99, None),
        ([7.0], 0.99, 7.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
    ],
)
def test_a_percentile_is_a_value_that_was_seen(values: list[float], part: float, expected: float | None) -> None:
    assert percentile(values, part) == expected


def test_a_verdicts_lag_counts_from_the_last_vote_of_the_deciding_look() -> None:
    votes = [vote("a", 1, 9_000, 900), vote("a", 2, 1_000, 50), vote("b", 2, 1_010, 60)]
    assert verdict_lag_ms(verdict(1_100, votes)) == 30


def test_a_vote_of_two_attempts_ends_a_second_later() -> None:
    assert verdict_lag_ms(verdict(2_070, [vote("a", 1, 1_000, 50, attempts=2)])) == 20


def test_a_process_is_charged_with_its_children() -> None:
    burn = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    script = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}]); print('done', flush=True); input()"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"done\n"
    try:
        usage = usages({"it": child.pid, "gone": 2**22 + 1})
    finally:
        child.communicate(b"\n")
    assert usage["it"].cpu_s >= 0.2
    assert usage["it"].rss_mb > 1
    assert usage["gone"] == Usage()


def test_costs_are_per_check_and_the_dearest_comes_first() -> None:
    before = {"a": Usage(1.0), "b": Usage(1.0)}
    after = {"a": Usage(1.1), "b": Usage(1.5), "new": Usage(9.0)}
    assert list(per_check(before, after, 1000).items()) == [("b", 500.0), ("a", 100.0)]


def test_the_report_has_the_promised_keys_and_reads_line_by_line() -> None:
    seen = E2eSeen(scheduled=90, confirming=10, schedule_lags=[1.0, 20.0], verdict_lags=[30.0])
    report = report_of(E2eLoad(20, 3, 30, 10), seen, {"web": Usage(1.0)}, {"web": Usage(1.1, 50.0)})
    assert report["checks_per_s"] == 10.0
    assert report["schedule_lag_p99_s"] == 0.02
    assert report["verdict_lag_p99_s"] == 0.03
    assert report["cpu_us_per_check"] == 1000.0
    assert report["by_process"] == {"web": 1000.0}
    assert report["rss_mb"] == {"web": 50.0}
    lines = [line.split() for line in render(report).splitlines()]
    assert ["checks_per_s", "10.0"] in lines and ["web", "1000.0"] in lines


def ask(port: int, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return connection.makefile("rb").readline()


def test_the_target_falls_sick_below_sick_only_and_when_told() -> None:
    port = ports.take_free_port()
    target = subprocess.Popen([sys.executable, "-m", "vigil.bench.target", "--port", str(port)])
    deadline = time.monotonic() + 15
    while ports.is_free(port) and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        assert b" 200 " in ask(port, "/sick/1")
        os.kill(target.pid, signal.SIGUSR1)
        while b" 503 " not in ask(port, "/sick/1") and time.monotonic() < deadline:
            time.sleep(0.02)
        assert b" 503 " in ask(port, "/sick/1")
        assert b" 200 " in ask(port, "/well/1")
    finally:
        target.terminate()
        assert target.wait(5) == 0
