"""Days of a monitor: ninety as a table, and each on its own page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from vigil.read_models.core.chart_ranges import between
from vigil.read_models.core.figures import length, milliseconds, percent
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.core.strips import StripDay
from vigil.read_models.monitor.days import MonitorDays, checks_of_day, read_monitor_days
from vigil.read_models.monitor.page import Band
from vigil.web.pages.monitors import chart
from vigil.web.pages.monitors.shown import Figure, drawn_days
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.marks import StateMark, mark

_STATES = {
    "u": (ShownState.UP, ""), "g": (ShownState.DEGRADED, ""), "d": (ShownState.DOWN, ""),
    "n": (ShownState.UNKNOWN, ""), "p": (ShownState.PAUSED, "Not measured"), "m": (ShownState.MAINTENANCE, ""),
}  # fmt: skip


@require_safe
@page
def days(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Ninety days as a table, the newest first."""
    found = _read(reader, public_id, datetime.now(UTC))
    rows = [(day, _mark(day), percent(day.uptime.ratio), *_lengths(day)) for day in reversed(found.days)]
    shown = {"monitor": found.monitor, "rows": rows, "days": drawn_days(found.monitor, found.days, found.strip)}
    return render_page(request, reader, "overview", "monitor_days.html", shown)


@require_safe
@page
def day(request: HttpRequest, reader: PageReader, public_id: str, day: str) -> HttpResponse:
    """One day: what happened, uptime, checks and latency. A 404 for a day that is none of the ninety."""
    now = datetime.now(UTC)
    found = _read(reader, public_id, now)
    place = _place(found, day)
    one = found.days[place]
    start, end = one.start, one.start + timedelta(days=1)
    wanted = between(start, min(end, now), now)
    query = f"from={start:%Y-%m-%dT%H:%M:%SZ}&to={end:%Y-%m-%dT%H:%M:%SZ}"
    shown = {
        "monitor": found.monitor,
        "headline": _headline(one),
        "mark": _mark(one),
        "figures": _figures(found, one),
        "happened": [
            (band, _state(band), length((band.end or now) - band.start))
            for band in found.bands
            if band.start < end and (band.end or now) > start
        ],
        "before": found.days[place - 1].start if place else None,
        "next": found.days[place + 1].start if place + 1 < len(found.days) else None,
        "chart": chart.drawn(public_id, wanted, query),
        "until_s": int(min(end, now).timestamp()),
    }
    return render_page(request, reader, "overview", "monitor_day.html", shown)


def _read(reader: PageReader, public_id: str, now: datetime) -> MonitorDays:
    found = read_monitor_days(reader.team, public_id, now)
    if found is None:
        raise Http404
    return found


def _place(found: MonitorDays, text: str) -> int:
    try:
        wanted = date.fromisoformat(text)
    except ValueError:
        raise Http404 from None
    for place, one in enumerate(found.days):
        if one.start.date() == wanted:
            return place
    raise Http404


def _figures(found: MonitorDays, day: StripDay) -> list[Figure]:
    down, unknown = _lengths(day)
    figures = [Figure("Uptime", percent(day.uptime.ratio)), Figure("Down", down), Figure("Unknown", unknown)]
    rolled = checks_of_day(found, day)
    if rolled.checks:
        up, degraded, failed, _ = rolled.counts
        seen = up + degraded + failed
        p50, p95 = rolled.percentiles_ms([0.5, 0.95])
        figures += [
            Figure("Reachability", percent((up + degraded) / seen if seen else None)),
            Figure("Checks", f"{rolled.checks:,}"),
            Figure("p50", milliseconds(p50)),
            Figure("p95", milliseconds(p95)),
        ]
    return figures


def _headline(day: StripDay) -> str:
    name = f"{day.start.day} {day.start:%b %Y}"
    if day.uptime.ratio is None:
        return f"{name}: not measured" if day.state == "p" else f"{name}: no uptime to count"
    return f"{name}: {percent(day.uptime.ratio)} up"


def _lengths(day: StripDay) -> tuple[str, str]:
    return (
        length(timedelta(seconds=day.uptime.down_s)) if day.uptime.down_s else "none",
        length(timedelta(seconds=day.unknown_s)) if day.unknown_s else "none",
    )


def _mark(day: StripDay) -> StateMark:
    state, word = _STATES[day.state]
    return mark(state, word)


def _state(band: Band) -> StateMark:
    if band.kind == "maintenance":
        return mark(ShownState.MAINTENANCE)
    state = {"outage": ShownState.DOWN, "heartbeat": ShownState.DOWN, "blind": ShownState.UNKNOWN}
    return mark(state.get(band.kind, ShownState.DEGRADED))
