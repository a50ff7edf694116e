"""Reading of a canary: what it has spent, why it has stopped, and its last answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from probes.wire import CANARY_KIND
from vigil.canaries.core.window import CanaryAnswer, WindowRule, WindowStanding, judge_window, window_of
from vigil.canaries.core.wording import window_words
from vigil.canaries.models import Canary
from vigil.canaries.rows import account_of, answers_of, budget_of, rule_of, spec_of, why_stopped
from vigil.monitors.models import Monitor

#: A canary that was not answered for so long, and for two windows, is said to be silent: no region can ask, or none is
#: served.
_SILENT_LEAST = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CanaryReport:
    """State of a canary. Money is in billionths of a US dollar, of the present month (`2026-11`, UTC).

    `reserved` is asked and not settled. `stopped` says in words why it asks nothing more; "" while it does. `window`
    are the answers that count, oldest first; `answers` all that are kept.
    """

    month: str
    spent: int
    reserved: int
    budget: int
    stopped: str
    rule: WindowRule
    standing: WindowStanding
    window: Sequence[CanaryAnswer] = ()
    answers: Sequence[CanaryAnswer] = ()
    #: When the last answer came that counts, where the next is long overdue.
    silent_since: datetime | None = None

    @property
    def bad(self) -> int:
        """Bad answers of the window."""
        return sum(one.bad for one in self.window)

    @property
    def words(self) -> str:
        """What the answers say, or why there are none, in one sentence."""
        if self.stopped:
            return f"{self.stopped[:1].upper()}{self.stopped[1:]}."
        return self.said

    @property
    def said(self) -> str:
        """What the answers say, whether or not it asks for more."""
        said = window_words(self.window, self.rule)
        return f"No answer since {self.silent_since:%-d %B %H:%M} UTC. {said}" if self.silent_since else said


def canary_report(monitor: Monitor, now: datetime) -> CanaryReport | None:
    """The state of a canary; None for another kind, and for a configuration that is none."""
    return canary_reports([monitor], now).get(monitor.pk)


def canary_reports(monitors: Sequence[Monitor], now: datetime) -> dict[int, CanaryReport]:
    """The states of those monitors that are canaries, by key; no query where none is."""
    keys = [monitor.pk for monitor in monitors if monitor.kind == CANARY_KIND]
    rows = {row.pk: row for row in Canary.objects.filter(pk__in=keys)} if keys else {}
    found = {one.pk: _report(one, rows.get(one.pk), now) for one in monitors if one.kind == CANARY_KIND}
    return {key: report for key, report in found.items() if report is not None}


def watched_reports(most: int, now: datetime) -> list[tuple[Monitor, CanaryReport]]:
    """The watched canaries of all teams that have asked, with their states; so many at most."""
    asked = Monitor.objects.filter(canary__isnull=False, kind=CANARY_KIND, deleted_at=None, paused=False)
    monitors = list(asked.order_by("pk")[:most])
    found = canary_reports(monitors, now)
    return [(monitor, found[monitor.pk]) for monitor in monitors if monitor.pk in found]


def _report(monitor: Monitor, row: Canary | None, now: datetime) -> CanaryReport | None:
    spec = spec_of(monitor)
    if spec is None:
        return None
    month, rule, budget = month_of(now), rule_of(spec), budget_of(spec)
    if row is None:
        return CanaryReport(month, 0, 0, budget, "", rule, WindowStanding.UNDECIDED)
    account = account_of(row)
    is_present, stopped = account.month >= month, why_stopped(row, spec, month)
    answers = answers_of(row)
    window = window_of(answers, rule, monitor.revision)
    return CanaryReport(
        month=month,
        spent=account.spent if is_present else 0,
        reserved=account.committed - account.spent if is_present else 0,
        budget=budget,
        stopped=stopped,
        rule=rule,
        standing=WindowStanding.STOPPED if stopped else judge_window(window, rule),
        window=window,
        answers=answers,
        silent_since=_silent_since(window, rule, monitor.interval_s, now),
    )


def _silent_since(window: Sequence[CanaryAnswer], rule: WindowRule, interval_s: int, now: datetime) -> datetime | None:
    if not window:
        return None
    last = datetime.fromtimestamp(window[-1].slot_ms / 1000, UTC)
    return last if now - last > max(_SILENT_LEAST, 2 * rule.of_answers * timedelta(seconds=interval_s)) else None


def month_of(at: datetime) -> str:
    """The month (UTC) of a budget."""
    return f"{at.astimezone(UTC):%Y-%m}"
