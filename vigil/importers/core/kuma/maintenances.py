"""Maintenances of Uptime Kuma: one window, or those of a plan that its database keeps in several forms. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from vigil.importers.core.draft import Draft
from vigil.importers.core.drafted import ImportedMaintenance
from vigil.importers.core.kuma.rows import KumaRows, Row
from vigil.importers.core.values import entries, from_json, seconds, text, truth, whole

_DAY_S = 86_400
_LAST_DAYS = ("lastDay2", "lastDay3", "lastDay4")


def add_maintenance(draft: Draft, rows: KumaRows, row: Row, keys: dict[int, str]) -> None:
    """Add a maintenance, or report why not. `keys` are those of the monitors in the file."""
    name, strategy = text(row.get("title")) or "maintenance", text(row.get("strategy"))
    monitors = [keys[each] for each in rows.maintained.get(whole(row.get("id")) or -1, []) if keys.get(each)]
    why = _obstacle(row, strategy, monitors)
    if why:
        draft.refuse("maintenance", name, why)
        return
    made = ImportedMaintenance(name, f"Uptime Kuma maintenance {text(row.get('id'))}", monitors)
    zone = text(row.get("timezone"))
    made.zone = (rows.zone or "UTC") if zone in ("", "SAME_AS_SERVER") else zone
    if zone in ("", "SAME_AS_SERVER") and not rows.zone:
        made.notes.append("the time zone of the server is not in the file: UTC is used")
    if strategy == "single":
        made.starts, made.ends = (_moment(row.get(field), made.zone) for field in ("start_date", "end_date"))
    else:
        made.cron, made.length_s = _plan(row, strategy)
        if set(map(text, entries(from_json(row.get("days_of_month"))))) & set(_LAST_DAYS):
            made.notes.append("days that are counted back from the last of a month are left out, as in Uptime Kuma")
    draft.add_maintenance(made)


def _obstacle(row: Row, strategy: str, monitors: list[str]) -> str:
    if not truth(row.get("active"), True):
        return "it is switched off"
    if not monitors:
        return "none of its monitors is in the file"
    if strategy == "recurring-interval" and (whole(row.get("interval_day")) or 1) > 1:
        # Its expression says every day, and Uptime Kuma passes some over.
        return f"it comes every {whole(row.get('interval_day'))} days, which no expression says: make one by hand"
    if strategy != "single" and not _plan(row, strategy)[0]:
        return f"a maintenance of the kind {strategy[:30]!r} has no plan: silence by hand"
    return ""


def _plan(row: Row, strategy: str) -> tuple[str, int]:
    """Expression and length (s). Before version 1.22 there was no expression: it is made as Uptime Kuma makes it."""
    if text(row.get("cron")).strip():
        return text(row["cron"]).strip(), round(seconds(row.get("duration")) or 0)
    start, end = _clock(row.get("start_time")), _clock(row.get("end_time"))
    if start is None or end is None:
        return "", 0
    days: dict[str, tuple[str, str]] = {
        "recurring-interval": ("*", "*"),
        "recurring-weekday": ("*", _listed(row.get("weekdays"))),
        "recurring-day-of-month": (_listed(row.get("days_of_month")), "*"),
    }
    day, weekday = days.get(strategy, ("", ""))
    length_s = (end - start) * 60 if end >= start else (end - start) * 60 + _DAY_S
    return (f"{start % 60} {start // 60} {day} * {weekday}", length_s) if day and weekday else ("", 0)


def _clock(value: object) -> int | None:
    """Minutes since midnight of `02:30` or `02:30:00`."""
    hour, _, rest = text(value).strip().partition(":")
    minute = rest.partition(":")[0]
    if not (hour.isdecimal() and minute.isdecimal() and len(hour) < 3 and len(minute) < 3):
        return None
    found = int(hour) * 60 + int(minute)
    return found if found < 24 * 60 and int(minute) < 60 else None


def _listed(value: Any) -> str:
    """Days as an expression has them; the last day of a month is `L`."""
    days = ["L" if text(day) == "lastDay1" else text(day) for day in entries(from_json(value))]
    return ",".join(dict.fromkeys(day for day in days if day == "L" or day.isdecimal()))


def _moment(value: object, zone: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text(value).strip())
        return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))
    except (ValueError, KeyError, OSError):
        return None
