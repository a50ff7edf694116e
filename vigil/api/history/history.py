"""History API: states, uptime, latency charts, percentiles, single checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.parameters import number_parameter
from vigil.api.history.answers import (
    ChecksSerializer,
    LatencySerializer,
    PercentilesSerializer,
)
from vigil.api.history.ranges import (
    CHECKS_HOURS_MOST,
    HOURS_MOST,
    MIN_STEP_S,
    STEP_MOST_S,
    ChartRange,
    PercentileRange,
)
from vigil.api.history.rows import check_row, failure_row, measures, rollup_row
from vigil.api.history.uptime import MonitorUptimeView, StatesView, UptimeView
from vigil.api.history.views import MOMENTS, RANGE, REGIONS, ZONE, HistoryView, asked_regions
from vigil.history.core.packing import HOUR_MS
from vigil.history.core.rollups import Rollup
from vigil.history.models import Gap
from vigil.history.reading import read, series
from vigil.monitors.live.results import instant


class LatencyView(HistoryView):
    """Latency chart by region: percentiles of answered checks, and counts by status, for each step."""

    @extend_schema(
        parameters=[
            *MOMENTS,
            number_parameter("hours", 1, HOURS_MOST, "Length if no start is given; default 24."),
            number_parameter("step_s", MIN_STEP_S, STEP_MOST_S, "Length of a step; default a 96th of the range."),
            REGIONS,
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
            *RANGE,
            OpenApiParameter(
                "by", enum=["day", "week", "month", "all"], description="Default day. Days are those of `tz`."
            ),
            ZONE,
            REGIONS,
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
            *MOMENTS,
            number_parameter("hours", 1, CHECKS_HOURS_MOST, "Length if no start is given; default 1."),
            REGIONS,
        ],
        responses=ChecksSerializer,
    )
    def get(self, request: Request, public_id: str) -> Response:
        asked = ChartRange.of(request.query_params.dict(), hours=1, most_hours=CHECKS_HOURS_MOST)
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
