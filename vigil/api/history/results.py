"""Results API: single checks and rollups of any window, by pages, as JSON or CSV."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from vigil.api.base.parameters import (
    MOMENT_LENGTH,
    REGIONS_LENGTH,
    ZONE_LENGTH,
    number_parameter,
    text_parameter,
)
from vigil.api.base.serializers import ApiSerializer
from vigil.api.history import csv_rows
from vigil.api.history.ranges import CSV_ROWS_MOST, CURSOR_LENGTH, ResultRange, RollupRange
from vigil.api.history.rows import measures
from vigil.api.history.views import FastJSONRenderer, HistoryView, asked_regions
from vigil.history.core.packing import HOUR_MS
from vigil.history.reading import series
from vigil.history.reading.walk import WalkedCheck, hours_of_part, walk
from vigil.monitors.live.results import instant
from vigil.monitors.models import Monitor

_RESULT_COLUMNS = (
    "at", "region", "status", "reason", "look", "total_ms", "first_byte_ms", "code", "attempts", "detail",
)  # fmt: skip
_ROLLUP_COLUMNS = ("at", "region", "p50", "p90", "p95", "p99", "up", "degraded", "down", "unknown")


class StoredResultSerializer(ApiSerializer[Any]):
    """A check. `code`, `attempts` and `detail` are there for failures that were kept in full."""

    at = serializers.DateTimeField()
    region = serializers.CharField()
    status = serializers.CharField()
    reason = serializers.CharField()
    look = serializers.IntegerField(help_text="0 for a scheduled check, else the look of a round.")
    total_ms = serializers.FloatField()
    first_byte_ms = serializers.FloatField()
    code = serializers.IntegerField(allow_null=True)
    attempts = serializers.IntegerField(allow_null=True)
    detail = serializers.CharField(allow_null=True)


class ResultPageSerializer(ApiSerializer[Any]):
    """One page of checks, oldest first; `next` is null on the last one."""

    next = serializers.CharField(allow_null=True)
    results = StoredResultSerializer(many=True)


class RollupRowSerializer(ApiSerializer[Any]):
    """Percentiles (ms, within 1 %) and counts by status of one region and step."""

    at = serializers.DateTimeField()
    region = serializers.CharField()
    p50 = serializers.FloatField(allow_null=True)
    p90 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)
    up = serializers.IntegerField()
    degraded = serializers.IntegerField()
    down = serializers.IntegerField()
    unknown = serializers.IntegerField()


class RollupPageSerializer(ApiSerializer[Any]):
    """Rollups of a window, by time and region."""

    results = RollupRowSerializer(many=True)


_WINDOW = [
    text_parameter("from", MOMENT_LENGTH, "Start: a date, or a date and time; default an hour before the end."),
    text_parameter("to", MOMENT_LENGTH, "End, at most now."),
    text_parameter("tz", ZONE_LENGTH, "Time zone of dates without one; default UTC."),
    text_parameter("regions", REGIONS_LENGTH, "Comma separated; default all."),
    OpenApiParameter("format", enum=["json", "csv"], description="Or `Accept: text/csv`."),
]


class ResultsView(HistoryView):
    """Every check of a window of 31 days at most, oldest first. Single checks are kept 30 days."""

    renderer_classes = [FastJSONRenderer, csv_rows.CSVRenderer]

    @extend_schema(
        parameters=[
            *_WINDOW,
            number_parameter("limit", 1, CSV_ROWS_MOST, "Rows of a page: default 500, at most 5,000; of CSV 50,000."),
            text_parameter("cursor", CURSOR_LENGTH, "From `next`, or from the Link header of CSV."),
        ],
        responses={(200, "application/json"): ResultPageSerializer, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, public_id: str) -> Any:
        """Checks with their timings, and the detail of failures that were kept in full."""
        as_csv = _is_csv(request)
        asked = ResultRange.of(request.query_params.dict(), as_csv)
        monitor = self.monitor(request, public_id)
        regions = asked_regions(asked.regions)
        part_hours = hours_of_part(monitor.regions.count(), monitor.interval_s)
        found = walk(monitor.pk, list(regions), asked.window_ms, part_hours, asked.after)
        page = list(islice(found, asked.limit + 1))
        following = _next(request, page[asked.limit - 1]) if len(page) > asked.limit else ""
        rows = [_row(one, regions[one.region]) for one in page[: asked.limit]]
        if as_csv:
            return csv_rows.answer(_RESULT_COLUMNS, rows, f"{monitor.public_id}-results", following)
        return Response({"next": following or None, "results": rows})


class RollupsView(HistoryView):
    """Rollups of a window by hour or day, for each region. Hours are kept 400 days, days for good."""

    renderer_classes = [FastJSONRenderer, csv_rows.CSVRenderer]

    @extend_schema(
        parameters=[*_WINDOW, OpenApiParameter("by", enum=["hour", "day"], description="Default hour; days are UTC.")],
        responses={(200, "application/json"): RollupPageSerializer, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, public_id: str) -> Any:
        """Percentiles and counts: 31 days by the hour at most, or 400 days by the day."""
        asked = RollupRange.of(request.query_params.dict())
        monitor = self.monitor(request, public_id)
        rows = list(_rollups(monitor, asked, asked_regions(asked.regions)))
        if _is_csv(request):
            return csv_rows.answer(_ROLLUP_COLUMNS, rows, f"{monitor.public_id}-rollups")
        return Response({"results": rows})


def _rollups(monitor: Monitor, asked: RollupRange, regions: dict[int, str]) -> Iterator[dict[str, Any]]:
    start_ms, end_ms = asked.window_ms
    found = series.hours(monitor.pk, list(regions), start_ms - start_ms % HOUR_MS, end_ms, asked.step_hours)
    steps = sorted((at, regions[key], one) for key, each in found.items() for at, one in each.items())
    for at, region, rolled in steps:
        yield {"at": instant(at), "region": region, **measures(rolled)}


def _row(one: WalkedCheck, region: str) -> dict[str, Any]:
    check, full = one.check, one.full
    return {
        "at": instant(check.at_ms),
        "region": region,
        "status": check.status.value,
        "reason": check.reason.value,
        "look": check.look,
        "total_ms": round(check.total_us / 1000, 3),
        "first_byte_ms": round(check.first_byte_us / 1000, 3),
        "code": full.code if full else None,
        "attempts": full.attempts if full else None,
        "detail": full.detail if full else None,
    }


def _is_csv(request: Request) -> bool:
    renderer: Any = request.accepted_renderer  # type: ignore[attr-defined]
    return bool(renderer.format == csv_rows.CSVRenderer.format)


def _next(request: Request, last: WalkedCheck) -> str:
    cursor = ".".join(map(str, last.place))
    return str(replace_query_param(request.build_absolute_uri(), "cursor", cursor))


urlpatterns = [
    path("monitors/<slug:public_id>/results", ResultsView.as_view()),
    path("monitors/<slug:public_id>/rollups", RollupsView.as_view()),
]
