"""Heartbeat row mapping: database row to pure state and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from vigil.heartbeats.core.budget import RULES, RunBudget
from vigil.heartbeats.core.lifecycle import due
from vigil.heartbeats.core.pings.body import Keywords
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.core.schedule import JobSchedule, ScheduleKind
from vigil.heartbeats.core.states import HeartbeatState, HeartbeatStatus, HeartbeatTrouble, Run, Terms
from vigil.heartbeats.models import Heartbeat
from vigil.monitors.live.version import touch


@dataclass(slots=True)
class HeartbeatSubject:
    """A locked row, its settings, and the state to store; `again`: when the clock looks again while it waits."""

    row: Heartbeat
    terms: Terms
    state: HeartbeatState
    again: datetime | None = None


def load(row: Heartbeat) -> HeartbeatSubject:
    return HeartbeatSubject(row, terms_of(row), state_of(row))


def schedule_of(row: Heartbeat) -> JobSchedule:
    return JobSchedule(ScheduleKind(row.schedule), timedelta(seconds=row.period_s), row.expression, row.time_zone)


def terms_of(row: Heartbeat) -> Terms:
    return Terms(
        schedule=schedule_of(row),
        grace=timedelta(seconds=row.grace_s),
        run_limit=timedelta(seconds=row.run_limit_s) if row.run_limit_s else None,
        wakes_on_ping=row.wakes_on_ping,
        budget=RunBudget(**{rule: row.budget[rule] for rule in RULES if row.budget.get(rule) is not None}),
    )


def keywords_of(row: Heartbeat) -> Keywords:
    stored: Mapping[str, Any] = row.keywords
    if not stored:
        return Keywords()
    otherwise = stored.get("otherwise")
    return Keywords(
        success=tuple(stored.get("success") or ()),
        fail=tuple(stored.get("fail") or ()),
        start=tuple(stored.get("start") or ()),
        otherwise=PingKind(otherwise) if otherwise else None,
    )


def state_of(row: Heartbeat) -> HeartbeatState:
    return HeartbeatState(
        status=HeartbeatStatus(row.status),
        since=row.since,
        decided=row.decided_at,
        last_success=row.last_success_at,
        expected=row.expected_at,
        runs=tuple(_run(stored) for stored in row.runs),
        logs=row.logs,
        trouble=HeartbeatTrouble(row.trouble),
    )


#: Columns that a step may change, with their PostgreSQL types.
_COLUMNS = (
    ("status", "text"), ("since", "timestamptz"), ("decided_at", "timestamptz"), ("last_success_at", "timestamptz"),
    ("last_ping_at", "timestamptz"), ("expected_at", "timestamptz"), ("due_at", "timestamptz"), ("runs", "jsonb"),
    ("logs", "int"), ("trouble", "text"), ("pings", "bigint"),
)  # fmt: skip
_NAMES = ", ".join(name for name, _ in _COLUMNS)
_SETS = ", ".join(f"{name} = v.{name}" for name, _ in _COLUMNS)
_ARRAYS = ", ".join(f"%s::{kind}[]" for _, kind in _COLUMNS)
_UPDATE = (
    f"UPDATE heartbeats_heartbeat h SET {_SETS} FROM unnest(%s::bigint[], {_ARRAYS}) AS v(id, {_NAMES}) "
    "WHERE h.monitor_id = v.id"
)


def store(subjects: Sequence[HeartbeatSubject]) -> None:
    """Store the states of locked rows in one statement."""
    if not subjects:
        return
    for subject in subjects:
        _take_over(subject)
    columns = [[_value(subject.row, name) for subject in subjects] for name, _ in _COLUMNS]
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [[subject.row.pk for subject in subjects], *columns])


def _take_over(subject: HeartbeatSubject) -> None:
    row, state = subject.row, subject.state
    if row.status != state.status.value:
        touch(row.team_id)
    row.status, row.since, row.decided_at = state.status.value, state.since, state.decided
    row.last_success_at, row.expected_at = state.last_success, state.expected
    row.due_at = subject.again or due(state, subject.terms)
    row.runs = [
        {"rid": run.rid, "started": run.started.isoformat(), "logs": run.logs, "overdue": run.overdue}
        | ({"first": run.first.isoformat()} if run.first is not None else {})
        for run in state.runs
    ]
    row.logs, row.trouble = state.logs, state.trouble.value


def _value(row: Heartbeat, name: str) -> Any:
    value = getattr(row, name)
    return json.dumps(value) if name == "runs" else value


def _run(stored: Mapping[str, Any]) -> Run:
    started = datetime.fromisoformat(stored["started"])
    first = datetime.fromisoformat(stored["first"]) if stored.get("first") else None
    return Run(str(stored["rid"]), started, int(stored["logs"]), bool(stored["overdue"]), first)
