"""History API: states, uptime, latency charts, percentiles, single checks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.pagination import PageByCursor
from vigil.api.base.permissions import team_of
from vigil.api.base.views import ApiView
from vigil.api.history.answers import (
    ChecksSerializer,
    LatencySerializer,
    MonitorUptimeSerializer,
    PercentilesSerializer,
    StatesSerializer,
    UptimeSerializer,
)
from vigil.api.history.ranges import ChartRange, PercentileRange, UptimeRange
from vigil.api.history.rows import check_row, failure_row, measures, rollup_row, uptime_row
from vigil.history.core.packing import HOUR_MS
from vigil.history.core.rollups import Rollup
from vigil.history.core.uptime import Uptime, account, by_day
from vigil.history.models import Gap
from vigil.history.reading import read, series
from vigil.history.reading.spans import settled_spans
from vigil.incidents.models import MonitorState
from vigil.incidents.shown_status import state_of
from vigil.monitors.live.results import instant
from vigil.monitors.models import Monitor, Region


class FastJSONRenderer(JSONRenderer):
    """JSON by msgspec: ten thousand rows in a few milliseconds."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else msgspec.json.encode(data, enc_hook=str)


class HistoryView(ApiView):
    """A view of what is stored of a monitor."""

    renderer_classes = [FastJSONRenderer]

    def monitor(self, request: Request, public_id: str) -> Monitor:
        return get_object_or_404(Monitor, public_id=public_id, team=team_of(request), deleted_at=None)


def asked_regions(slugs: str) -> dict[int, str]:
    """Regions of a query: those named, else all, since a monitor may have had any."""
    found = dict(Region.objects.values_list("pk", "slug"))
    if not slugs:
        return found
    named = set(slugs.split(","))
    unknown = sorted(named - set(found.values()))
    if unknown:
        raise ValidationError({"regions": [f"There is no region {unknown[0][:40]}."]})
    return {key: slug for key, slug in found.items() if slug in named}


class PageOfMonitors(PageByCursor):
    """`?limit=` up to 1,000: rows of one line each."""

    page_size, max_page_size = 200, 1_000


class _PagedView(HistoryView):
    """A page of the team's monitors, by name."""

    sorts = MappingProxyType({"name": "name"})
    default_sort = "name"

    def page(self, request: Request, monitors: QuerySet[Monitor]) -> tuple[list[Monitor], dict[str, Any]]:
        """The monitors of the page, and its links."""
        pages = PageOfMonitors()
        rows = pages.paginate_queryset(monitors, request, self)
        return rows, {"next": pages.get_next_link(), "previous": pages.get_previous_link()}


_PAGE = [
    OpenApiParameter("limit", int, description="Monitors of a page, 200 if not given, at most 1,000."),
    OpenApiParameter("cursor", description="From `next` or `previous` of a page."),
]


class StatesView(_PagedView):
    """States of the team's monitors, by name, in pages."""

    @extend_schema(parameters=_PAGE, responses=StatesSerializer)
    def get(self, request: Request) -> Response:
        found = Monitor.objects.filter(team=team_of(request), deleted_at=None).select_related("believed")
        rows, links = self.page(request, found)
        return Response({"states": [_state_row(monitor) for monitor in rows], **links})


def _state_row(monitor: Monitor) -> dict[str, Any]:
    state = state_of(monitor) or MonitorState(monitor=monitor)
    return {
        "id": monitor.public_id,
        "name": monitor.name,
        "kind": monitor.kind,
        "paused": monitor.paused,
        "status": state.status,
        **{name: getattr(state, name) for name in ("account", "since", "blind", "flapping")},
    }


_RANGE = [
    OpenApiParameter("from", description="Start: a date, or a date and time; default `days` before the end."),
    OpenApiParameter("to", description="End, at most now."),
    OpenApiParameter("days", int, description="Length in days if no start is given."),
]
_MOMENTS = [
    OpenApiParameter("from", description="Start: a date, or a date and time; default `hours` before the end."),
    OpenApiParameter("to", description="End, at most now."),
]
_ZONE = OpenApiParameter("tz", description="Time zone of the days, such as Europe/Berlin; default UTC.")
_REGIONS = OpenApiParameter("regions", description="Comma separated; default all.")


class MonitorUptimeView(HistoryView):
    """Uptime of a monitor in any window, in total and by day in any time zone (bar of 90 days)."""

    @extend_schema(parameters=[*_RANGE, _ZONE], responses=MonitorUptimeSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        asked = UptimeRange.of(request.query_params.dict())
        monitor = self.monitor(request, public_id)
        settled = settled_spans([monitor], asked.window)[monitor.pk]
        days = [{"date": day.date, **uptime_row(day.uptime)} for day in by_day(settled, asked.window, asked.zone)]
        return Response({**asked.row(), **uptime_row(account(settled, asked.window)), "days": days})


class UptimeView(_PagedView):
    """Uptime of several monitors, by name, in pages: of a tag, or of the whole team. Composites count like others.

    The total is of the page.
    """

    @extend_schema(
        parameters=[*_RANGE, _ZONE, *_PAGE, OpenApiParameter("tag", description="Only monitors with this tag.")],
        responses=UptimeSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = UptimeRange.of(request.query_params.dict())
        found = Monitor.objects.filter(team=team_of(request), deleted_at=None)
        tag = str(request.query_params.get("tag", ""))[:100]
        if tag:
            found = found.filter(tags__contains=[tag])
        monitors, links = self.page(request, found)
        each = {key: account(one, asked.window) for key, one in settled_spans(monitors, asked.window).items()}
        rows = [{"id": one.public_id, "name": one.name, **uptime_row(each[one.pk])} for one in monitors]
        return Response({**asked.row(), **uptime_row(sum(each.values(), Uptime())), "monitors": rows, **links})


class LatencyView(HistoryView):
    """Latency chart by region: percentiles of answered checks, and counts by status, for each step."""

    @extend_schema(
        parameters=[
            *_MOMENTS,
            OpenApiParameter("hours", int, description="Length if no start is given; default 24, at most 744."),
            OpenApiParameter("step_s", int, description="Length of a step; default a 96th of the range."),
            _REGIONS,
        ],
        responses=LatencySerializer,
    )
    def get(self, request: Request, public_id: str) -> Response:
        asked = ChartRange.of(request.query_params.dict())
        monitor = self.monitor(request, public_id)
        regions = asked_regions(asked.regions)
        if asked.step_ms % HOUR_MS:
            found = series.minutes(monitor.pk, list(regions), asked.start_ms, asked.end_ms, asked.step_ms)
        else:
            found = series.hours(monitor.pk, list(regions), asked.start_ms, asked.end_ms, asked.step_ms // HOUR_MS)
        charts = {
            regions[key]: [rollup_row(at, one) for at, one in steps.items()] for key, steps in found.items() if steps
        }
        return Response({**asked.row(), "error": 0.01, "regions": charts, "gaps": _gaps(regions, asked)})


class PercentilesView(HistoryView):
    """Percentiles of any regions together: by day, week or month, or of the whole range (`by=all`)."""

    @extend_schema(
        parameters=[
            *_RANGE,
            OpenApiParameter(
                "by", enum=["day", "week", "month", "all"], description="Default day. Days are those of `tz`."
            ),
            _ZONE,
            _REGIONS,
        ],
        responses=PercentilesSerializer,
    )
    def get(self, request: Request, public_id: str) -> Response:
        asked = PercentileRange.of(request.query_params.dict())
        monitor = self.monitor(request, public_id)
        regions = asked_regions(asked.regions)
        steps: dict[str, Rollup] = {}
        if asked.by == "all":
            start_ms, end_ms = (second * 1000 for second in asked.window)
            whole = series.over(monitor.pk, list(regions), start_ms, end_ms)
            return Response({**asked.row(), "error": 0.01, "steps": [{"from": instant(start_ms), **measures(whole)}]})
        for day, rolled in asked.by_day(monitor.pk, list(regions)):
            step = steps.setdefault(asked.step_of(day), rolled)
            if step is not rolled:
                step.add(rolled)
        rows = [{"from": name, **measures(rolled)} for name, rolled in steps.items()]
        return Response({**asked.row(), "error": 0.01, "steps": rows})


class ChecksView(HistoryView):
    """Every check of at most a day, and failures kept in full."""

    @extend_schema(
        parameters=[
            *_MOMENTS,
            OpenApiParameter("hours", int, description="Length if no start is given; default 1, at most 24."),
            _REGIONS,
        ],
        responses=ChecksSerializer,
    )
    def get(self, request: Request, public_id: str) -> Response:
        asked = ChartRange.of(request.query_params.dict(), hours=1, most_hours=24)
        monitor = self.monitor(request, public_id)
        regions = asked_regions(asked.regions)
        found = read.checks(monitor.pk, list(regions), asked.start_ms, asked.end_ms)
        full = read.failures(monitor.pk, list(regions), asked.start_ms, asked.end_ms)
        rows = {regions[key]: [check_row(check) for check in checks] for key, checks in found.items() if checks}
        failures = {
            regions[key]: msgspec.to_builtins(list(map(failure_row, kept))) for key, kept in full.items() if kept
        }
        return Response({**asked.row(), "error": 0.01, "regions": rows, "failures": failures})


def _gaps(regions: Mapping[int, str], asked: ChartRange) -> list[dict[str, Any]]:
    # Used: gap_by_region.
    overlapping = Gap.objects.filter(
        region_id__in=regions, to_at__gte=instant(asked.start_ms), from_at__lt=instant(asked.end_ms)
    )
    return [
        {
            "region": regions[gap.region_id],
            "reason": gap.reason,
            "from": gap.from_at,
            "to": gap.to_at,
            "results": gap.results,
        }
        for gap in overlapping[:200]
    ]


urlpatterns = [
    path("states", StatesView.as_view()),
    path("uptime", UptimeView.as_view()),
    path("monitors/<slug:public_id>/uptime", MonitorUptimeView.as_view()),
    path("monitors/<slug:public_id>/latency", LatencyView.as_view()),
    path("monitors/<slug:public_id>/percentiles", PercentilesView.as_view()),
    path("monitors/<slug:public_id>/checks", ChecksView.as_view()),
]
