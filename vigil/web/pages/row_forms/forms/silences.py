"""Form of silences and maintenance: once or again and again, with the windows that come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.urls import reverse

from vigil.accounts.models import Team
from vigil.alerts.routing.holds import look_again_in
from vigil.alerts.wording.text import duration as in_words
from vigil.clock import database_now, is_zone
from vigil.code.core.durations import duration
from vigil.silences.changes import change_silence, create_silence, delete_silence
from vigil.silences.core.windows import windows
from vigil.silences.models import Silence
from vigil.web.forms.settings_form import Sent
from vigil.web.pages.row_forms.picking import boxes, monitor_boxes, monitors_of, region_options
from vigil.web.pages.row_forms.reading import (
    Problems,
    chosen,
    ids_of,
    lines,
    moment_in,
    moment_text,
    seconds,
    text,
    words,
)
from vigil.web.pages.row_forms.shape import Errors, FormBlock, Meaning, RowForm
from vigil.web.pages.schedules.silences import about_words, does_words
from vigil.web.pages.shell import PageReader
from vigil.web.parts.fields import FormField

#: Coming windows shown, and how far to look for them.
COMING, AHEAD = 5, timedelta(days=35)
FROM_REGIONS = "Holds only alerts that no other region causes. Without one it holds every alert, also of an outage."
ONCE, CRON = "", "cron"
#: How the start of the first window is written as cron.
EVERY = {"daily": "{0.minute} {0.hour} * * *", "weekly": "{0.minute} {0.hour} * * {day}",
         "monthly": "{0.minute} {0.hour} {0.day} * *"}  # fmt: skip
_REPEATS = [(ONCE, "Once"), ("daily", "Every day at this time"), ("weekly", "Every week on this day"),
            ("monthly", "Every month on this day"), (CRON, "By a cron expression")]  # fmt: skip
_DOES = (("mutes", "Hold alerts"), ("pauses", "Check nothing"), ("excludes", "Do not count the time in uptime"))
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


class SilencesForm(RowForm[Silence]):
    """What it is about, what it does, and when."""

    key, noun, section, base = "silences", "silence", "silences", "on-call/silences"
    renamed = {"starts_at": "starts", "ends_at": "until", "duration_s": "length"}

    def rows(self, team: Team) -> QuerySet[Silence]:
        return Silence.objects.filter(team=team, valid_until=None)

    def blank(self, reader: PageReader) -> Silence:
        return Silence(team=reader.team, created_by=reader.user.get_username()[:120], duration_s=3600)

    def texts(self, row: Silence) -> dict[str, str]:
        once = row.starts_at is not None and row.ends_at is not None and not row.cron
        length_s = round((row.ends_at - row.starts_at).total_seconds()) if once else row.duration_s  # type: ignore[operator]
        return {
            "name": row.name,
            "reason": row.reason,
            **{name: "on" if getattr(row, name) else "" for name, _ in _DOES},
            "every_monitor": "on" if row.every_monitor else "",
            "monitors": ids_of(row.monitors.order_by("name")) if row.pk else "",
            "tags": ", ".join(row.tags),
            "regions": "\n".join(row.regions),
            "repeats": CRON if row.cron else ONCE,
            "starts": moment_text(row.starts_at, row.zone),
            "length": duration(length_s * 1000),
            "cron": row.cron,
            "until": moment_text(row.ends_at, row.zone) if row.cron else "",
            "zone": row.zone,
        }

    def blocks(self, team: Team, sent: Sent, errors: Errors) -> Sequence[FormBlock]:
        def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
            return FormField(name, label, sent.get(name, ""), kind, errors=list(errors.get(name, ())), **more)

        about = [
            field("every_monitor", "Every monitor", "checkbox"),
            monitor_boxes("monitors", "Monitors", team, sent, errors),
            field("tags", "Tags", hint="Words between commas. Monitors with any of them."),
            boxes("regions", "Only from these regions", region_options(), sent, errors, FROM_REGIONS),
        ]
        when = [
            field("repeats", "Repeats", "select", options=_REPEATS),
            field("starts", "Begins", "datetime-local", hint="By the clock of the zone below; empty for now."),
            field("length", "How long", hint="Such as 30m, 2h or 1d.", required=True),
            field("zone", "Time zone", hint="Such as Europe/Berlin. The clock there decides, also when it changes."),
        ]
        more = [
            field("cron", "Cron expression", hint="Of each start, such as 30 2 * * SUN; for a cron expression only."),
            field("until", "No window begins after", "datetime-local", hint="Empty for no end. Only if it repeats."),
            field("reason", "Note", "textarea"),
        ]
        name = field("name", "Why", hint="It is shown beside what is held back: database upgrade.", required=True)
        return [
            FormBlock([name]),
            FormBlock([field(key, label, "checkbox") for key, label in _DOES], "What it does"),
            FormBlock(about, "What it is about"),
            FormBlock(when, "When"),
            FormBlock(more, "Cron, an end, a note", folds=True),
        ]

    def read(self, team: Team, sent: Sent, row: Silence) -> dict[str, Any]:
        problems: Problems = {}
        zone, repeats = text(sent, "zone"), sent.get("repeats", "")
        starts, until = (moment_in(sent, name, zone, problems) for name in ("starts", "until"))
        length_s = seconds(sent, "length", problems)
        if not length_s and "length" not in problems:
            problems["length"] = ["Write how long, such as 2h."]
        monitors = chosen(monitors_of(team), lines(sent, "monitors"), "monitors", problems)
        if repeats in EVERY and starts is None:
            problems.setdefault("starts", []).append("Write when the first one begins.")
        if problems:
            raise ValidationError(problems)  # type: ignore[arg-type]
        return {
            "name": text(sent, "name"),
            "reason": sent.get("reason", "").strip(),
            **{name: bool(sent.get(name)) for name, _ in _DOES},
            "every_monitor": bool(sent.get("every_monitor")),
            "monitors": monitors,
            "tags": words(sent, "tags"),
            "regions": lines(sent, "regions"),
            "zone": zone,
            **self._times(sent, row, starts, until, length_s or 0),
        }

    def _times(
        self, sent: Sent, row: Silence, starts: datetime | None, until: datetime | None, length_s: int
    ) -> dict[str, Any]:
        """Times of the write path. A time that was not changed stays as it is stored, to the second."""
        stored = self.texts(row)
        repeats, zone = sent.get("repeats", ""), text(sent, "zone")
        if row.pk and all(sent.get(name, "") == stored[name] for name in ("repeats", "starts", "length", "zone")):
            starts, length_s = row.starts_at, row.duration_s if row.cron else length_s
        if repeats == ONCE:
            begins = starts or database_now()
            kept = row.pk and not row.cron and starts == row.starts_at and sent.get("length") == stored["length"]
            ends = row.ends_at if kept else begins + timedelta(seconds=length_s)
            return {"cron": "", "starts_at": begins, "ends_at": ends, "duration_s": 0}
        cron = text(sent, "cron")
        if repeats in EVERY and starts is not None:
            local = starts.astimezone(ZoneInfo(zone)) if is_zone(zone) else starts
            cron = EVERY[repeats].format(local, day=_DAYS[local.weekday()])
        return {"cron": cron, "starts_at": starts, "ends_at": until, "duration_s": length_s}

    def write(self, row: Silence, wanted: Mapping[str, Any]) -> Silence:
        fields = dict(wanted)
        monitors = fields.pop("monitors")
        if not row.pk:
            return create_silence(row, fields, monitors)
        changed = change_silence(row, fields, monitors)
        look_again_in(changed.team_id)
        return changed

    def means(self, row: Silence, now: datetime) -> Meaning:
        zone = ZoneInfo(row.zone)
        coming = windows(row.schedule, now, now + AHEAD)[:COMING]
        if not row.cron and not coming and row.starts_at and row.ends_at and row.ends_at > now:
            coming = windows(row.schedule, row.starts_at, row.ends_at)
        told = [
            (f"{one.starts.astimezone(zone):%a %d %b %Y %H:%M}", f"for {in_words(one.ends - one.starts)}")
            for one in coming
        ]
        warnings = [] if coming else ["No window begins within 35 days."]
        sentence = f"For {about_words(row)}: {does_words(row)}."
        return Meaning(sentence, f"The next windows, {row.zone}", told, warnings)

    def address(self, row: Silence) -> str:
        return reverse("silences")

    def index(self) -> str:
        return reverse("silences")

    def delete(self, row: Silence) -> None:
        delete_silence(row)
        look_again_in(row.team_id)

    def losses(self, row: Silence) -> list[str]:
        return ["Alerts that it holds are sent if they are still due.", "Its past windows still count as they did."]
