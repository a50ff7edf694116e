"""States and uptime API: pages of the team's monitors by name, and the uptime of one by day."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.pagination import MAX_CURSOR, PageByCursor
from vigil.api.base.parameters import number_parameter, text_of, text_parameter
from vigil.api.base.permissions import team_of
from vigil.api.history.answers import (
    MonitorUptimeSerializer,
    StatesSerializer,
    UptimeSerializer,
)
from vigil.api.history.ranges import UptimeRange
from vigil.api.history.rows import uptime_row
from vigil.api.history.views import RANGE, ZONE, HistoryView
from vigil.history.core.uptime import Uptime, account, by_day
from vigil.history.reading.spans import settled_spans
from vigil.incidents.models import MonitorState
from vigil.incidents.shown_status import state_of
from vigil.monitors.models import Monitor
from vigil.monitors.validation import MAX_TAG_LENGTH


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
    number_parameter("limit", 1, PageOfMonitors.max_page_size, "Monitors of a page, 200 if not given."),
    text_parameter("cursor", MAX_CURSOR, "From `next` or `previous` of a page."),
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


class MonitorUptimeView(HistoryView):
    """Uptime of a monitor in any window, in total and by day in any time zone (bar of 90 days)."""

    @extend_schema(parameters=[*RANGE, ZONE], responses=MonitorUptimeSerializer)
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
        parameters=[*RANGE, ZONE, *_PAGE, text_parameter("tag", MAX_TAG_LENGTH, "Only monitors with this tag.")],
        responses=UptimeSerializer,
    )
    def get(self, request: Request) -> Response:
        asked = UptimeRange.of(request.query_params.dict())
        found = Monitor.objects.filter(team=team_of(request), deleted_at=None)
        tag = text_of(request, "tag", MAX_TAG_LENGTH)
        if tag:
            found = found.filter(tags__contains=[tag])
        monitors, links = self.page(request, found)
        each = {key: account(one, asked.window) for key, one in settled_spans(monitors, asked.window).items()}
        rows = [{"id": one.public_id, "name": one.name, **uptime_row(each[one.pk])} for one in monitors]
        return Response({**asked.row(), **uptime_row(sum(each.values(), Uptime())), "monitors": rows, **links})
