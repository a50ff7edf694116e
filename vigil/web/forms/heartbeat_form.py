"""Heartbeat form: typed fields of a job's schedule, limits and words, and what a sent one means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError

from vigil.code.core.durations import HOW, duration, milliseconds
from vigil.heartbeats.core.pings.wire import PingKind
from vigil.heartbeats.core.schedule import ScheduleKind
from vigil.heartbeats.models import Heartbeat
from vigil.monitors.models import Priority
from vigil.web.forms.settings_form import Sent
from vigil.web.parts.fields import FormField

_LISTS = {"success": "Words of success", "fail": "Words of failure", "start": "Words of a start"}
_LIMITS = {
    "min_items": ("Items at least", ""),
    "max_tokens": ("Tokens at most", ""),
    "max_cost": ("Cost at most", ""),
    "max_duration_s": ("Longest run within budget", "s"),
    "max_logs": ("Log calls at most", ""),
}
_DURATIONS = ("period_s", "grace_s", "run_limit_s")
FIRST = ("name", "schedule", "period_s", "expression", "time_zone", "grace_s")
_SCHEDULES = [
    (ScheduleKind.PERIOD.value, "Every so often"),
    (ScheduleKind.CRON.value, "Cron expression"),
    (ScheduleKind.ONCALENDAR.value, "Expression of a systemd timer"),
]
_OTHERWISE = [("", "as without words"), *((one.value, one.value) for one in PingKind if one.value in (
    "success", "fail", "ignored"))]  # fmt: skip


def heartbeat_texts(job: Heartbeat | None) -> dict[str, str]:
    """What the fields hold before anything is sent."""
    row = job or Heartbeat()
    texts = {name: "" if getattr(row, name) is None else duration(getattr(row, name) * 1000) for name in _DURATIONS}
    texts |= {f"budget.{name}": _number_text(row.budget.get(name)) for name in _LIMITS}
    texts |= {f"keywords.{name}": "\n".join(row.keywords.get(name, [])) for name in _LISTS}
    return {
        **texts,
        "keywords.otherwise": row.keywords.get("otherwise") or "",
        "name": job.monitor.name if job else "",
        "tags": ", ".join(job.monitor.tags) if job else "",
        "priority": job.monitor.priority if job else Priority.NORMAL.value,
        "slug": row.slug,
        "schedule": row.schedule,
        "expression": row.expression,
        "time_zone": row.time_zone,
    }


def heartbeat_fields(texts: Sent, errors: Mapping[str, list[str]]) -> dict[str, FormField]:
    """The fields by their names, with texts as stored or as sent."""
    fields = [
        FormField("name", "Name", required=True),
        FormField("schedule", "Schedule", kind="select", options=_SCHEDULES),
        FormField("period_s", "Every", hint="Such as 15m, 1h or 1d; for a schedule of every so often."),
        FormField("expression", "Expression", hint="For cron, such as 0 3 * * *; for a timer, such as Mon 03:00."),
        FormField("time_zone", "Time zone", hint="Of the expression, such as Europe/Berlin."),
        FormField("grace_s", "Grace", hint="How late a call may be, such as 5m."),
        FormField("run_limit_s", "Longest run", hint="From its start to its end, such as 2h; empty for none."),
        FormField("slug", "Slug", hint="Its name in addresses; empty to make it from the name."),
        FormField("tags", "Tags", hint="Words between commas, such as nightly, embeddings."),
        FormField("priority", "Priority", kind="select", options=[(one.value, str(one.label)) for one in Priority]),
        *(FormField(f"budget.{name}", label, kind="number", unit=unit) for name, (label, unit) in _LIMITS.items()),
        *(FormField(f"keywords.{name}", label, kind="textarea", hint="One a line.") for name, label in _LISTS.items()),
        FormField("keywords.otherwise", "Any other text means", kind="select", options=_OTHERWISE),
    ]
    return {one.name: replace(one, value=texts.get(one.name, ""), errors=_errors(one.name, errors)) for one in fields}


def read_heartbeat(sent: Sent, job: Heartbeat | None) -> dict[str, Any]:
    """Fields of the write path that a sent form means. Raises `ValidationError` by the names of its fields."""
    problems: dict[str, list[str]] = {}
    before = heartbeat_texts(job)
    wanted: dict[str, Any] = {name: sent.get(name, "").strip() for name in ("name", "expression", "time_zone")}
    wanted |= {name: sent.get(name, before[name]) for name in ("schedule", "priority")}
    wanted["tags"] = [word.strip() for word in sent.get("tags", "").split(",") if word.strip()]
    for name in _DURATIONS:
        wanted[name] = _seconds(name, sent.get(name, "").strip(), problems)
    wanted["budget"] = _budget(sent, dict(job.budget) if job else {}, before, problems)
    wanted["keywords"] = _keywords(sent, dict(job.keywords) if job else {}, before)
    if sent.get("slug", "").strip():
        wanted["slug"] = sent["slug"].strip()
    if problems:
        raise ValidationError(problems)
    return wanted


def _seconds(name: str, text: str, problems: dict[str, list[str]]) -> int | None:
    if not text and name == "run_limit_s":
        return None
    ms = milliseconds(text.replace(" ", ""))
    if ms is None or ms % 1000 or ms > 10**12:
        problems[name] = [f"{HOW[:1].upper()}{HOW[1:]}."]
        return None
    return ms // 1000


def _budget(
    sent: Sent, stored: dict[str, Any], before: Mapping[str, str], problems: dict[str, list[str]]
) -> dict[str, Any]:
    for name in _LIMITS:
        field = f"budget.{name}"
        text = sent.get(field, "").strip()
        if text == before[field]:
            continue
        try:
            stored[name] = (float(text) if "." in text or "e" in text.lower() else int(text[:20])) if text else None
        except ValueError:
            problems[field] = ["A number, such as 100."]
    return stored


def _keywords(sent: Sent, stored: dict[str, Any], before: Mapping[str, str]) -> dict[str, Any]:
    for name in (*_LISTS, "otherwise"):
        field = f"keywords.{name}"
        text = sent.get(field, "").replace("\r\n", "\n")
        if text == before[field]:
            continue
        words = [line.strip() for line in text.split("\n") if line.strip()]
        value: Any = text if name == "otherwise" else words
        if value:
            stored[name] = value
        else:
            stored.pop(name, None)
    return stored


def _number_text(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)


def _errors(name: str, errors: Mapping[str, list[str]]) -> list[str]:
    """Errors of a field; those of a whole budget or of all words stand at the first of their fields."""
    first = {"budget.min_items": "budget", "keywords.success": "keywords"}.get(name, "")
    return [*errors.get(name, ()), *errors.get(first, ())]
