"""Exporter: what the recorder hears reaches a collector, and no collector holds up the recorder."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog
from pydantic import SecretStr

from probes import wire
from probes.process.metrics.counts import ProcessCounts
from probes.process.metrics.families import EXPORTED
from probes.reasons import Reason, Status
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.alerts.channels.kind import ChannelError, ReceiverAnswer, ReceiverCall
from vigil.configuration import ConfigurationError
from vigil.monitors.models import Monitor
from vigil.telemetry import backlog, exporter
from vigil.telemetry.backlog import Backlog
from vigil.telemetry.exporter import ResultExporter
from vigil.telemetry.settings import TelemetrySettings
from vigil.telemetry.start import exporting


class Collector:
    """A collector that answers in turn, the last answer again and again; an error is raised."""

    def __init__(self, *answers: int | ChannelError) -> None:
        self._answers = list(answers)
        self.calls: list[ReceiverCall] = []
        self.is_closed = False

    def now(self) -> float:
        return 1_900_000_000.0

    async def call(self, call: ReceiverCall) -> ReceiverAnswer:
        self.calls.append(call)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, ChannelError):
            raise answer
        return ReceiverAnswer(answer, {})

    async def close(self) -> None:
        self.is_closed = True


def entry(monitor: str, *more: str) -> bytes:
    now_ms = time.time_ns() // 1_000_000
    results = [
        wire.Result(1, one, now_ms, Status.UP, Reason.OK, now_ms, wire.Phases(1, 2, 3, 4, 50), code=200)
        for one in (monitor, *more)
    ]
    return wire.encode(results)


@contextmanager
def running(collector: Collector, counts: ProcessCounts) -> Iterator[ResultExporter]:
    settings = TelemetrySettings(otlp_endpoint="http://collector.test:4318/x", otlp_headers=SecretStr("x-key=fake"))
    made = ResultExporter(settings, counts, lambda: collector)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join(30)
        assert not thread.is_alive() and collector.is_closed


def counted(counts: ProcessCounts) -> dict[tuple[str, ...], float]:
    return {labels: value for labels, value in counts.values().get(EXPORTED, {}).items() if value}


@pytest.fixture
def shop(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Monitor:
    monkeypatch.setattr(exporter, "WAIT_S", 0.01)
    config = {"url": "https://shop.test/?key=hush", "method": "HEAD"}
    return Monitor.objects.create(team=default_team(), name="Shop", kind="http", config=config)


def test_results_reach_the_collector_as_traces_and_metrics(shop: Monitor) -> None:
    collector, counts = Collector(200), ProcessCounts()
    with running(collector, counts) as made:
        made.backlog.put("eu", "1000-0", entry(shop.public_id, "mon_unknown"))
        until(lambda: len(collector.calls) == 2, "both documents")
    first, second = collector.calls
    assert [call.url for call in collector.calls] == [
        f"http://collector.test:4318/x/v1/{signal}" for signal in ("traces", "metrics")
    ]
    assert first.headers["x-key"] == "fake" and first.headers["content-encoding"] == "gzip"
    text = gzip.decompress(first.body).decode()
    [span] = json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert span["name"] == "HEAD" and "hush" not in text + gzip.decompress(second.body).decode()
    assert counted(counts) == {("traces", "sent"): 1.0, ("metrics", "sent"): 1.0}


@pytest.mark.parametrize(
    ("answers", "sent"),
    [((503, 200), True), ((ChannelError("could not be reached"), 200), True), ((400,), False)],
    ids=["busy", "away", "refused"],
)
def test_a_collector_is_asked_again_unless_it_refuses(
    shop: Monitor, answers: tuple[int | ChannelError, ...], sent: bool
) -> None:
    counts = ProcessCounts()
    with running(Collector(*answers), counts) as made:
        made.backlog.put("eu", "1000-0", entry(shop.public_id))
        until(lambda: len(counted(counts)) == 2, "both outcomes")
    outcome = "sent" if sent else "dropped"
    assert counted(counts) == {("traces", outcome): 1.0, ("metrics", outcome): 1.0}


def test_a_collector_that_stays_away_costs_the_batch_and_not_the_next(
    shop: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "TRIED_S", 0.0)
    counts = ProcessCounts()
    with running(Collector(503, 503, 200), counts) as made:
        made.backlog.put("eu", "1000-0", entry(shop.public_id))
        until(lambda: ("metrics", "dropped") in counted(counts), "the loss")
        made.backlog.put("eu", "2000-0", entry(shop.public_id))
        until(lambda: ("metrics", "sent") in counted(counts), "the next batch")


def test_a_server_that_takes_traces_alone_does_not_fill_the_log(shop: Monitor) -> None:
    counts = ProcessCounts()
    with running(Collector(404), counts) as made, structlog.testing.capture_logs() as said:
        for number in range(1, 4):
            made.backlog.put("eu", f"{number}000-0", entry(shop.public_id))
            until(lambda: counted(counts).get(("metrics", "dropped")) == number, "the loss")  # noqa: B023
    assert [one["signal"] for one in said if one["event"] == "telemetry.dropped"] == ["traces", "metrics"]


def test_a_backlog_is_bounded_and_takes_no_entry_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "ENTRIES_MOST", 3)
    found = Backlog()
    for number in (1, 2, 2, 1, 3, 4, 5):
        found.put("eu", f"{number}-0", str(number).encode())
    found.put("us", "1-0", b"other")
    assert found.take_dropped() == 3 and found.take_dropped() == 0
    assert found.take(2, 0) == [("eu", b"4"), ("eu", b"5")]
    assert found.take(9, 0) == [("us", b"other")] and found.take(9, 0) == []


def test_a_stream_that_begins_anew_is_exported_from_its_first_entry() -> None:
    found = Backlog()
    found.put("eu", f"{2**64 - 1}-0", b"the last id there is")
    found.put("eu", "1000-0", b"before")
    for _ in range(2):
        found.put("eu", "7-0", b"after a new Redis")
    found.put("eu", "1000-0", b"after")
    assert [body for _, body in found.take(9, 0)] == [
        b"the last id there is",
        b"before",
        b"after a new Redis",
        b"after",
    ]


def test_nothing_runs_without_an_address_and_a_wrong_one_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with exporting(ProcessCounts()) as heard:
        assert heard is None
    monkeypatch.setenv("VIGIL_OTLP_ENDPOINT", "collector")
    with pytest.raises(ConfigurationError, match="VIGIL_OTLP_ENDPOINT must look like"), exporting(ProcessCounts()):
        pass
