"""Reports with a fault planted at each step, and with one that cannot be handled: both senders go on."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

import vigil.alerts.reports.send
from tests.planting import Fault, plant, plant_poison
from tests.waiting import until
from vigil.accounts.teams import default_team
from vigil.alerts.channels.email import EmailConfig, Letter
from vigil.clock import database_now
from vigil.deadletters.actions import waiting
from vigil.history.models import Report

pytestmark = pytest.mark.django_db(transaction=True)
SEND = vigil.alerts.reports.send
#: What a fault may cost the others (s).
DELAY_S = 5.0


class Letters:
    """Takes letters; fails with those to an address that is poison."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.sent: list[str] = []
        self._fault = fault or Fault()

    async def send(self, config: EmailConfig, letter: Letter) -> None:
        if "poison" in config.to[0]:
            raise self._fault
        self.sent.append(config.to[0])


def report(*names: str) -> list[Report]:
    """Reports of a month that is over, one to each name."""
    made = [
        Report.objects.create(team=default_team(), frequency="weekly", tag=name, recipients=[f"{name}@example.com"])
        for name in names
    ]
    Report.objects.update(created_at=database_now() - timedelta(days=20))
    return made


@contextlib.contextmanager
def two_sending(letters: Letters, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two senders, as in two `deliver` processes; neither may have ended."""
    monkeypatch.setattr(SEND, "POLL_S", 0.05)
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def run() -> None:
        task = asyncio.ensure_future(SEND.keep_sending(letters.send))
        loops.append((asyncio.get_running_loop(), task))
        with contextlib.suppress(asyncio.CancelledError):
            await task

    threads = [threading.Thread(target=asyncio.run, args=(run(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
        assert all(thread.is_alive() for thread in threads), "it has ended"
    finally:
        for loop, task in loops:
            if not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)
        for thread in threads:
            thread.join(10)


STEPS = ["_enabled", "claim", "summarise", "letter_of", "record"]


@pytest.mark.parametrize("step", STEPS)
def test_s05_a_fault_at_a_step_ends_no_sending_of_reports(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    report("ann")
    fault = plant(monkeypatch, SEND, step, times=2)
    letters = Letters()
    with two_sending(letters, monkeypatch):
        until(lambda: fault.raised >= (1 if step == "record" else 2), "the fault")
        report("bob")
        until(lambda: "bob@example.com" in letters.sent, "the next report", within_s=DELAY_S)
        until(lambda: "ann@example.com" in letters.sent, "the first one", within_s=DELAY_S)


FAULTS = [
    Fault(),
    UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "planted"),
    OverflowError(),
    RecursionError(),
    MemoryError(),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_s06_a_report_that_cannot_be_sent_stops_no_other(fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = report("poison", "ann")
    letters = Letters(fault)
    with two_sending(letters, monkeypatch):
        until(lambda: Report.objects.get(pk=good.pk).sent_until, "the other", within_s=DELAY_S)
        words = f"fault: {type(fault).__name__}"
        until(lambda: Report.objects.get(pk=bad.pk).last_error == words, "what is said of it")
    bad.refresh_from_db()
    assert bad.sent_until is None and bad.attempts == 1, "it is tried again when its lease is over"


@pytest.mark.parametrize("step", ["claim", "record"])
def test_s06_a_report_that_fails_again_and_again_is_a_letter(step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = report("bad", "good")
    letters = Letters()

    def is_poison(*args: Any) -> bool:
        return bad.pk in (args[-1], getattr(args[0], "report", None))

    plant_poison(monkeypatch, SEND, step, is_poison)
    with two_sending(letters, monkeypatch):
        until(lambda: Report.objects.get(pk=good.pk).sent_until, "the other", within_s=DELAY_S)
        if step == "claim":
            until(lambda: waiting().filter(source="reports", origin=str(bad.pk)).exists(), "the letter")
            monkeypatch.undo()
            monkeypatch.setattr(SEND, "POLL_S", 0.05)
            until(lambda: Report.objects.get(pk=bad.pk).sent_until, "the report after the fix")
