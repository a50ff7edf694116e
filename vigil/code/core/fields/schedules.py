"""Checks of schedules in a document: expressions of heartbeats and windows of silences. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from vigil.code.core.references import references_in
from vigil.heartbeats.core.schedule import JobSchedule, ScheduleKind, problem_of
from vigil.silences.core.windows import ScheduleError, WindowSchedule, check

#: Any moment: a document is valid or not, whenever it is read. Applying it looks at the present.
_ANY = datetime(2026, 1, 1, tzinfo=UTC)
_KINDS = {"cron": ScheduleKind.CRON, "on_calendar": ScheduleKind.ONCALENDAR}
_NAMES = {"duration_s": "duration"}


def schedule_problems(fields: Mapping[str, Any], name: str) -> Iterable[tuple[str, str]]:
    """What is wrong with the `cron` or `on_calendar` of a heartbeat, and the field."""
    expression = fields[name]
    if references_in(expression):
        return
    schedule = JobSchedule(_KINDS[name], expression=expression, zone=fields["time_zone"])
    field, words = problem_of(schedule, _ANY)
    if words:
        yield f"{name}: {words}" if field == "expression" else f"{field}: {words}", name


def window_problems(fields: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What is wrong with the window of a silence or maintenance, and the field."""
    if references_in(fields["cron"]):
        return
    starts, ends = (datetime.fromisoformat(fields[name]) if fields[name] else None for name in ("starts_at", "ends_at"))
    duration = timedelta(seconds=fields["duration"])
    try:
        check(WindowSchedule(starts, ends, fields["cron"], duration, fields["zone"]))
    except ScheduleError as refused:
        field = _NAMES.get(refused.field, refused.field)
        yield f"{field}: {refused}", field
