"""Latency of a monitor: as series for the chart, as a table and as CSV, each for the range of the address."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_safe

from vigil.history.reading.spans import DOWN_KINDS
from vigil.incidents.core.model import IncidentKind
from vigil.monitors.models import Monitor
from vigil.read_models.core.chart_ranges import RANGES, ChartWindow, parse_range
from vigil.read_models.core.figures import milliseconds
from vigil.read_models.monitor.latency_chart import ChartPoint, LatencyChart, read_latency_chart, read_phases
from vigil.read_models.monitor.page import Band, bands_of
from vigil.read_models.monitor_facts import MonitorFacts
from vigil.read_models.team_silences import TeamSilences
from vigil.web.pages.shell import PageReader, page, render_page
from vigil.web.parts.charts import DrawnChart, TabledPoint

#: Lines of single regions beside those of all.
REGIONS_MOST = 5
_COLUMNS = ("at", "region", "p50_ms", "p95_ms", "up", "degraded", "down", "unknown")


@require_safe
@page
def series(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The series as JSON: times in seconds, latency in ms, gaps as null, and the bands behind them."""
    monitor, now = monitor_of(reader, public_id), datetime.now(UTC)
    wanted = parse_range(request.GET.dict(), now)
    chart = read_latency_chart(monitor, wanted)
    times = list(range(wanted.start_ms, wanted.end_ms, wanted.step_ms)) if chart.all_regions else []
    together, seen = {point.at_ms: point for point in chart.all_regions}, chart.seen
    found: dict[str, Any] = {
        "t": [at // 1000 for at in times],
        "p95": [_figure(together.get(at), "95") for at in times],
        "p50": [_figure(together.get(at), "50") for at in times],
        "of": [f"{seen.get(at, 0)} of {len(chart.regions)}" for at in times],
        "regions": {name: _line(chart, name, times, _percentile(request)) for name in chosen_regions(request, chart)},
        "bands": _bands(reader, monitor, wanted, now),
        "href": f"{reverse('monitor-results', args=[public_id])}?at=",
        "step": wanted.step_ms // 1000,
    }
    if request.GET.get("phases") == "1":
        phases = read_phases(monitor, wanted)
        found["phases"] = {
            "first byte": [round(phases[at].first_byte_ms, 1) if at in phases else None for at in times],
            "transfer": [round(phases[at].transfer_ms, 1) if at in phases else None for at in times],
        }
    return JsonResponse(found)


@require_safe
@page
def table(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The same as a table, as a page of its own or, for the chart's page, as a part."""
    monitor = monitor_of(reader, public_id)
    wanted = parse_range(request.GET.dict(), datetime.now(UTC))
    chart = read_latency_chart(monitor, wanted)
    shown = {
        "monitor": monitor,
        "chart_range": wanted,
        "chart": drawn(public_id, wanted, request.GET.urlencode(), tabled(chart)),
    }
    return render_page(request, reader, "overview", "monitor_latency.html", shown)


@require_safe
@page
def csv_file(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """The same as CSV: all regions together first, then each."""
    monitor = monitor_of(reader, public_id)
    chart = read_latency_chart(monitor, parse_range(request.GET.dict(), datetime.now(UTC)))
    answer = HttpResponse(content_type="text/csv; charset=utf-8; header=present")
    answer["Content-Disposition"] = f'attachment; filename="{monitor.public_id}-latency.csv"'
    writer = csv.writer(answer)
    writer.writerow(_COLUMNS)
    writer.writerows(_rows("all", chart.all_regions))
    for region, points in chart.regions.items():
        writer.writerows(_rows(region, points))
    return answer


def drawn(public_id: str, wanted: ChartWindow, query: str, points: Sequence[TabledPoint] = ()) -> DrawnChart:
    """The chart of a range; `query` is that of the address."""
    ending = f"?{query}" if query else ""
    return DrawnChart(
        label=f"Latency, {wanted.in_words}",
        source=reverse("monitor-latency-json", args=[public_id]) + ending,
        csv=reverse("monitor-latency-csv", args=[public_id]) + ending,
        table=reverse("monitor-latency-table", args=[public_id]) + ending,
        points=points,
    )


def tabled(chart: LatencyChart) -> list[TabledPoint]:
    """The points as rows of a table, the newest first."""
    seen, of = chart.seen, len(chart.regions)
    return [
        TabledPoint(
            datetime.fromtimestamp(point.at_ms / 1000, UTC), milliseconds(point.p95_ms), milliseconds(point.p50_ms),
            f"{seen.get(point.at_ms, 0)} of {of}",
        )
        for point in reversed(chart.all_regions)
    ]  # fmt: skip


def choices(request: HttpRequest, wanted: ChartWindow, regions: Sequence[str]) -> dict[str, Any]:
    """Links of the chart: ranges, percentile, phases and regions, each keeping the others."""
    picked = request.GET.getlist("region")[:REGIONS_MOST]
    percentile, phases = _percentile(request), request.GET.get("phases") == "1"
    return {
        "ranges": [(key, _with(request.GET, range=key, **{"from": "", "to": ""}), wanted.key == key) for key in RANGES],
        "percentiles": [(f"p{each}", _with(request.GET, p=each), percentile == each) for each in ("50", "95")],
        "phases": (_with(request.GET, phases="" if phases else "1"), phases),
        "regions": [(name, _toggled(request.GET, picked, name), name in picked) for name in regions],
    }


def monitor_of(reader: PageReader, public_id: str) -> Monitor:
    """A monitor of the reader's team; a 404 for another's, and for a deleted one."""
    found = Monitor.objects.filter(team=reader.team, deleted_at=None, public_id=public_id).first()
    if found is None:
        raise Http404
    return found


def chosen_regions(request: HttpRequest, chart: LatencyChart) -> list[str]:
    """Regions with a line of their own."""
    return [name for name in chart.regions if name in request.GET.getlist("region")][:REGIONS_MOST]


def _bands(reader: PageReader, monitor: Monitor, wanted: ChartWindow, now: datetime) -> list[dict[str, Any]]:
    start = datetime.fromtimestamp(wanted.start_ms / 1000, UTC)
    silences = TeamSilences.read(reader.team, start, now)
    facts = MonitorFacts([monitor], silences, now)
    first, last = wanted.start_ms // 1000, wanted.end_ms // 1000
    spans = [
        (_state_of(band), band.start.timestamp(), (band.end or now).timestamp()) for band in bands_of(facts, monitor)
    ]
    spans += [("unknown", float(begin), float(end)) for begin, end in facts.spans(monitor).unknown]
    return [
        {"state": state, "from": max(first, int(begin)), "to": min(last, int(end))}
        for state, begin, end in spans
        if end > first and begin < last
    ]


def _state_of(band: Band) -> str:
    if band.kind == "maintenance":
        return "maintenance"
    if band.kind in DOWN_KINDS:
        return "down"
    return "unknown" if band.kind == IncidentKind.BLIND else "degraded"


def _line(chart: LatencyChart, region: str, times: Sequence[int], percentile: str) -> list[float | None]:
    points = {point.at_ms: point for point in chart.regions[region]}
    return [_figure(points.get(at), percentile) for at in times]


def _figure(point: ChartPoint | None, percentile: str) -> float | None:
    value = None if point is None else point.p50_ms if percentile == "50" else point.p95_ms
    return None if value is None else round(value, 1)


def _percentile(request: HttpRequest) -> str:
    return "50" if request.GET.get("p") == "50" else "95"


def _rows(region: str, points: Sequence[ChartPoint]) -> Iterator[list[Any]]:
    for one in points:
        at = datetime.fromtimestamp(one.at_ms / 1000, UTC)
        yield [
            f"{at:%Y-%m-%dT%H:%M:%SZ}", region, one.p50_ms, one.p95_ms, one.up, one.degraded, one.down, one.unknown,
        ]  # fmt: skip


def _with(query: QueryDict, **changed: str) -> str:
    kept = query.copy()
    for name, value in changed.items():
        kept.setlist(name, [value] if value else [])
    kept.pop("done", None)
    return f"?{kept.urlencode()}"


def _toggled(query: QueryDict, picked: Sequence[str], region: str) -> str:
    kept = query.copy()
    kept.setlist("region", [one for one in picked if one != region] if region in picked else [*picked, region])
    kept.pop("done", None)
    return f"?{kept.urlencode()}"
