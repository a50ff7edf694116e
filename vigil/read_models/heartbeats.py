"""Heartbeats of a team: the list with the last runs of each, and the page of one.

The list takes seven queries and the page seven, whatever the number of jobs and runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q

from vigil.accounts.models import Team
from vigil.heartbeats.core.pings.body import text_of
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.core.run_history import PastRun, RunSlot, run_slots
from vigil.heartbeats.models import Heartbeat, StoredPing
from vigil.heartbeats.rows import schedule_of, state_of, terms_of
from vigil.heartbeats.showing.run_bars import slot_letters
from vigil.monitors.models import DerivedKind, Monitor
from vigil.read_models.core.shown_states import ShownState, word
from vigil.read_models.core.why_lines import why_line
from vigil.read_models.monitor_facts import WINDOW, MonitorFacts
from vigil.read_models.monitor_rows import why_facts
from vigil.read_models.overview import team_monitors
from vigil.read_models.states import TROUBLE_ORDER, loaded, state_shown, trouble_order, variant_of
from vigil.read_models.team_silences import TeamSilences

#: Jobs of one page of the list, and runs of the strip of each.
ROWS, RUNS_IN_ROW = 100, 24
#: Pings read for the page of one job: starts and logs stand between the ends of runs.
PINGS_MOST = 200
RUNS_MOST = 60
#: Bytes of the last output that are shown unless all of it is asked for.
OUTPUT_BYTES = 10_000
_ENDS = (PingKind.SUCCESS, PingKind.FAIL)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job of the list. `runs` are its last runs as letters of a strip, empty before the first call."""

    id: str
    name: str
    state: ShownState
    word: str
    why: str
    schedule: str
    runs: str
    is_trouble: bool


@dataclass(frozen=True, slots=True)
class JobList:
    """A page of the list. `total`, `attention` and `uncalled` are of the whole team; `found` match what was asked."""

    rows: Sequence[JobRow]
    total: int
    attention: int
    #: That have never called.
    uncalled: int
    found: int
    after: int
    now: datetime


@dataclass(frozen=True, slots=True)
class JobOutput:
    """What a job wrote last: its text, its bytes in all, and whether the beginning was left out."""

    text: str
    at: datetime
    size: int
    is_cut: bool


@dataclass(frozen=True, slots=True)
class JobPage:
    """The page of one job. `ends` are the pings that ended its last runs, newest first."""

    heartbeat: Heartbeat
    monitor: Monitor
    state: ShownState
    word: str
    why: str
    slots: Sequence[RunSlot]
    ends: Sequence[StoredPing]
    output: JobOutput | None
    now: datetime

    @property
    def is_called(self) -> bool:
        return self.heartbeat.last_ping_at is not None


def read_job_list(team: Team, words: str, state: str, after: int, now: datetime) -> JobList:
    """Jobs of a team that have these words in their name and are in this state, trouble first."""
    silences = TeamSilences.read(team, now - WINDOW, now)
    owned = team_monitors(team, silences).filter(kind=DerivedKind.HEARTBEAT)
    counts = dict(owned.order_by().values_list("shown").annotate(Count("pk")))
    wanted = owned.filter(Q(name__icontains=words) | Q(heartbeat__slug__icontains=words)) if words else owned
    wanted = wanted.filter(shown=state) if state else wanted
    ordered = loaded(wanted).annotate(trouble=trouble_order()).order_by(F("trouble").asc(nulls_last=True), "name", "pk")
    monitors = list(ordered[after : after + ROWS + 1])
    shown, more = monitors[:ROWS], len(monitors) > ROWS
    facts = MonitorFacts(shown, silences, now)
    runs = _last_runs([monitor.pk for monitor in shown])
    rows = [_row(monitor, facts, runs.get(monitor.pk, ())) for monitor in shown]
    attention = sum(counts.get(name, 0) for name in TROUBLE_ORDER)
    found = wanted.count() if words or state else sum(counts.values())
    uncalled = counts.get(ShownState.NEW.value, 0)
    return JobList(rows, sum(counts.values()), attention, uncalled, found, after + ROWS if more else 0, now)


def read_job_page(team: Team, public_id: str, whole_output: bool, now: datetime) -> JobPage | None:
    """The page of a team's job; None if it has none of this id."""
    silences = TeamSilences.read(team, now - WINDOW, now)
    owned = team_monitors(team, silences).filter(kind=DerivedKind.HEARTBEAT, public_id=public_id)
    monitor = loaded(owned).first()
    if monitor is None:
        return None
    row: Heartbeat = monitor.heartbeat
    row.monitor = monitor
    facts = MonitorFacts([monitor], silences, now)
    newest = StoredPing.objects.filter(heartbeat=row, n__gt=row.pings - PINGS_MOST, kind__in=_ENDS)
    ends = list(newest.order_by("-n").defer("body")[:RUNS_MOST])
    state = state_shown(monitor.shown)  # type: ignore[attr-defined]
    variant = variant_of(monitor, state)
    return JobPage(
        heartbeat=row,
        monitor=monitor,
        state=state,
        word=word(state, variant),
        why=why_line(why_facts(monitor, state, variant, facts), now),
        slots=_slots(row, list(reversed(ends)), facts, monitor),
        ends=ends,
        output=_output(row, whole_output),
        now=now,
    )


def has_called(team: Team, public_id: str) -> bool:
    """Whether a team's job has called yet: one query, asked every two seconds while a person waits."""
    jobs = Heartbeat.objects.filter(team=team, monitor__public_id=public_id, monitor__deleted_at=None)
    return jobs.exclude(last_ping_at=None).exists()


def _last_runs(jobs: Sequence[int]) -> Mapping[int, Sequence[StoredPing]]:
    newest = StoredPing.objects.filter(
        heartbeat__in=jobs, kind__in=_ENDS, n__gt=F("heartbeat__pings") - 2 * RUNS_IN_ROW
    )
    found: dict[int, list[StoredPing]] = {}
    for ping in newest.order_by("n").only("heartbeat_id", "n", "at", "kind", "duration_ms"):
        found.setdefault(ping.heartbeat_id, []).append(ping)
    return found


def _row(monitor: Monitor, facts: MonitorFacts, ends: Sequence[StoredPing]) -> JobRow:
    row: Heartbeat = monitor.heartbeat  # type: ignore[attr-defined]
    state = state_shown(monitor.shown)  # type: ignore[attr-defined]
    variant = variant_of(monitor, state)
    return JobRow(
        id=monitor.public_id,
        name=monitor.name,
        state=state,
        word=word(state, variant),
        why=why_line(why_facts(monitor, state, variant, facts), facts.now),
        schedule=schedule_of(row).in_words(),
        runs=slot_letters(_slots(row, ends, facts, monitor), RUNS_IN_ROW),
        is_trouble=monitor.shown in TROUBLE_ORDER,  # type: ignore[attr-defined]
    )


def _slots(row: Heartbeat, ends: Sequence[StoredPing], facts: MonitorFacts, monitor: Monitor) -> list[RunSlot]:
    runs = [_past(ping) for ping in ends]
    now = facts.now
    runs += [PastRun(now, now - run.started, running=True) for run in state_of(row).runs if run.started <= now]
    settled = facts.spans(monitor).settled
    excused = [(_instant(start), _instant(end)) for start, end in (*settled.excluded, *settled.maintenance)]
    terms = terms_of(row)
    # A paused job is not expected; the span that goes on is among the excluded ones.
    return run_slots(terms.schedule, terms.grace, runs, now, excused)


def _past(ping: StoredPing) -> PastRun:
    took = timedelta(milliseconds=ping.duration_ms) if ping.duration_ms is not None else None
    return PastRun(ping.at, took, ping.kind == PingKind.FAIL)


def _output(row: Heartbeat, whole: bool) -> JobOutput | None:
    recent = StoredPing.objects.filter(heartbeat=row, n__gt=row.pings - PINGS_MOST, body_size__gt=0)
    ping = recent.order_by("-n").only("at", "body", "body_size").first()
    if ping is None:
        return None
    body = bytes(ping.body)
    kept = body if whole else body[-OUTPUT_BYTES:]
    return JobOutput(text_of(kept), ping.at, ping.body_size, len(kept) < ping.body_size)


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def told_figures(ends: Sequence[StoredPing], name: str) -> list[float | None]:
    """A figure of the runs, oldest first: `took` (seconds), `items`, `tokens` or `cost`; None where it is not told."""
    found: list[float | None] = []
    for ping in reversed(ends):
        value: Any = ping.facts.get(name)
        if name == "took":
            value = ping.duration_ms / 1000 if ping.duration_ms is not None else None
        found.append(float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None)
    return found
