"""Silences and maintenance: what holds and what comes, on a timeline; made now, ended now, each with an undo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from vigil.alerts.routing.holds import look_again_in
from vigil.alerts.wording.text import duration
from vigil.clock import database_now
from vigil.monitors.models import Monitor, Region
from vigil.silences.changes import create_silence, delete_silence, end_now
from vigil.silences.core.windows import current, windows
from vigil.silences.models import Silence
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.fields import FormField, problems

BEFORE, AHEAD = timedelta(days=1), timedelta(days=13)
WIDTH = 560
SILENCES_MOST, LISTED = 200, 300
UNDO = timedelta(minutes=10)
_FIELDS = ("name", "duration_s", "monitors", "tags", "region", "does")
_MOMENT = timedelta(microseconds=1)
LENGTHS = (("1800", "30 min"), ("3600", "1 h"), ("14400", "4 h"), ("43200", "12 h"), ("86400", "1 day"),
           ("604800", "7 days"))  # fmt: skip
#: What a silence does: its words, and what is set.
DOES = {
    "hold": ("Hold alerts", {"mutes": True}),
    "exclude": ("Hold alerts, and do not count the time in uptime", {"mutes": True, "excludes": True}),
    "pause": ("Check nothing, and do not count the time", {"mutes": True, "pauses": True}),
}


@dataclass(frozen=True, slots=True)
class SilenceRow:
    """A silence on the timeline: `spans` are its windows as x and width, `until` is set while it holds."""

    silence: Silence
    about: str
    does: str
    until: datetime | None
    begins: datetime | None
    spans: Sequence[tuple[float, float]]

    @property
    def label(self) -> str:
        """The line in words."""
        if self.until is not None:
            return f"Holds until {self.until:%d %b %H:%M} UTC"
        return f"Begins {self.begins:%d %b %H:%M} UTC" if self.begins else "No window within 13 days"


@require_safe
@page
def silences(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Windows of a day before and thirteen after; `made` and `ended` name what a person may undo.

    Parameters named as the form's fields fill it, so that a page links to a silence that is ready to be made.
    """
    return _shown(request, reader, {name: request.GET.get(name, "")[:200] for name in _FIELDS}, {})


def _shown(
    request: HttpRequest, reader: PageReader, given: Mapping[str, str], refused: Mapping[str, Sequence[str]]
) -> HttpResponse:
    now = database_now()
    found = Silence.objects.filter(team=reader.team, valid_until=None).exclude(cron="", ends_at__lte=now)
    rows = [_row(one, now) for one in found.prefetch_related("monitors")[:SILENCES_MOST]]
    rows.sort(key=lambda row: (row.until is None, row.until or row.begins or now + AHEAD))
    shown = {
        "rows": rows,
        "active": sum(row.until is not None for row in rows),
        "now_x": _x(now, now),
        "begins": now - BEFORE,
        "ends": now + AHEAD,
        "undo": _undo(request, reader, now) if reader.may_write else "",
        "fields": _fields(reader, given, refused) if reader.may_write else [],
        "problems": problems(refused),
    }
    return render_page(request, reader, "on-call", "silences.html", shown)


def _row(silence: Silence, now: datetime) -> SilenceRow:
    schedule = silence.schedule
    holds = current(schedule, now)
    found = windows(schedule, now - BEFORE, now + AHEAD)
    coming = next((window.starts for window in found if window.starts > now), None)
    spans = [(_x(one.starts, now), max(2.0, round(_x(one.ends, now) - _x(one.starts, now), 1))) for one in found]
    return SilenceRow(silence, about_words(silence), does_words(silence), holds.ends if holds else None, coming, spans)


def _x(at: datetime, now: datetime) -> float:
    return round((at - now + BEFORE) / (BEFORE + AHEAD) * WIDTH, 1)


def about_words(silence: Silence) -> str:
    """What a silence is about: `chat, shop, tag ai`, or `chat, seen from eu-west only`."""
    seen = f", seen from {' or '.join(silence.regions)} only" if silence.regions else ""
    if silence.every_monitor:
        return f"every monitor{seen}"
    names = [monitor.name for monitor in silence.monitors.all()]
    named = names[:3] + ([f"{len(names) - 3} more"] if len(names) > 3 else [])
    return ", ".join([*named, *(f"tag {tag}" for tag in silence.tags)]) + seen


def does_words(silence: Silence) -> str:
    """What a silence does, and when again."""
    held = "regional alerts are held, an outage is told" if silence.regions else "alerts are held"
    parts = [held] if silence.mutes else []
    parts += ["nothing is checked"] if silence.pauses else []
    parts += ["not counted in uptime"] if silence.excludes else []
    again = f", each for {duration(timedelta(seconds=silence.duration_s))}: {silence.cron} {silence.zone}"
    return ", ".join(parts) + (again if silence.cron else "")


def _fields(reader: PageReader, given: Mapping[str, str], refused: Mapping[str, Sequence[str]]) -> list[FormField]:
    monitors = (
        Monitor.objects.filter(team=reader.team, deleted_at=None).order_by("name").values_list("public_id", "name")
    )
    names = list(monitors[:LISTED])
    if given.get("monitors") not in (None, "", "every", *dict(names)):
        names += monitors.filter(public_id=given["monitors"])
    regions = [(slug, slug) for slug in Region.objects.values_list("slug", flat=True)[:LISTED]]
    does = [(key, words) for key, (words, _) in DOES.items()]

    def field(name: str, label: str, kind: str = "text", **more: Any) -> FormField:
        return FormField(name, label, given.get(name, ""), kind, errors=refused.get(name, ()), **more)

    return [
        field("name", "Why", hint="It is shown beside what is held back: deploy window.", required=True),
        field("duration_s", "How long, from now", "select", options=LENGTHS),
        field("monitors", "Monitor", "select", options=[("", "By tag"), ("every", "Every monitor"), *names]),
        field("tags", "Tag", hint="Monitors with this tag; empty for none."),
        field(
            "region",
            "Region",
            "select",
            options=[("", "Every alert"), *regions],
            hint="With one, only alerts that this region alone causes. An outage is told all the same.",
        ),
        field("does", "What it does", "select", options=does),
    ]


@require_POST
@page
def make(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """A silence from now on; the page again with what is wrong, or with an undo."""
    reader.require_writer()
    given = {name: request.POST.get(name, "")[:200].strip() for name in _FIELDS}
    silence = Silence(team=reader.team, created_by=reader.user.get_username()[:120])
    wanted: dict[str, Any] = {
        "name": given["name"],
        "duration_s": int(given["duration_s"]) if given["duration_s"] in dict(LENGTHS) else 0,
        "tags": [given["tags"]] if given["tags"] else [],
        "every_monitor": given["monitors"] == "every",
        "regions": [given["region"]] if given["region"] else [],
        **DOES.get(given["does"], DOES["hold"])[1],
    }
    about = list(Monitor.objects.filter(team=reader.team, deleted_at=None, public_id=given["monitors"]))
    try:
        create_silence(silence, wanted, about)
    except ValidationError as wrong:
        refused = wrong.message_dict
        named = {"region" if field == "regions" else field: texts for field, texts in refused.items()}
        return _shown(request, reader, given, named)
    return redirect(f"{reverse('silences')}?made={silence.public_id}#said")


@require_POST
@page
def end(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """End the window that holds now; the page again with an undo."""
    reader.require_writer()
    silence = get_object_or_404(Silence, team=reader.team, public_id=public_id, valid_until=None)
    end_now(silence)
    look_again_in(reader.team.pk)
    silence.refresh_from_db()
    return redirect(f"{reverse('silences')}?ended={silence.public_id}#said")


@require_POST
@page
def undo(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Take back a silence that was made of late, or begin again what was ended of late until it would have ended."""
    reader.require_writer()
    now = database_now()
    silence = get_object_or_404(Silence, team=reader.team, public_id=public_id)
    if silence.valid_until is None and silence.created_at > now - UNDO:
        delete_silence(silence)
        look_again_in(reader.team.pk)
    elif (until := _cut_short(silence, now)) is not None:
        names = ("name", "reason", "mutes", "pauses", "excludes", "every_monitor", "tags", "regions")
        wanted = {name: getattr(silence, name) for name in names}
        again = Silence(team=reader.team, created_by=reader.user.get_username()[:120])
        create_silence(again, {**wanted, "ends_at": until}, list(silence.monitors.all()))
    return redirect("silences")


def _cut_short(silence: Silence, now: datetime) -> datetime | None:
    """When a window that was ended of late would have ended; None if that is over."""
    ended = silence.valid_until
    if ended is None or ended < now - UNDO:
        return None
    window = current(replace(silence.schedule, valid_until=None), ended - _MOMENT)
    return window.ends if window is not None and window.ends > now else None


def _undo(request: HttpRequest, reader: PageReader, now: datetime) -> dict[str, str]:
    """What the last action did, and the address of its undo; empty without one."""
    for name, words in (("made", "It holds from now on."), ("ended", "It is ended.")):
        named = request.GET.get(name, "")[:40]
        silence = (
            Silence.objects.filter(team=reader.team, public_id=named).first() if named.isascii() and named else None
        )
        if silence is not None:
            recent = silence.created_at > now - UNDO if name == "made" else _cut_short(silence, now) is not None
            return {"text": words, "address": reverse("silence-undo", args=[silence.public_id]) if recent else ""}
    return {}
