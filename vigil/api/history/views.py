"""Views of stored history: their renderer, the monitor and regions that a request asks for, and their parameters."""

from __future__ import annotations

from typing import Any

import msgspec
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from vigil.api.base.parameters import (
    MOMENT_LENGTH,
    REGIONS_LENGTH,
    ZONE_LENGTH,
    number_parameter,
    text_parameter,
)
from vigil.api.base.permissions import team_of
from vigil.api.base.views import ApiView
from vigil.api.history.ranges import DAYS_MOST
from vigil.monitors.models import Monitor, Region
from vigil.problems.codes import FieldCode
from vigil.problems.nearest import nearest

RANGE = [
    text_parameter("from", MOMENT_LENGTH, "Start: a date, or a date and time; default `days` before the end."),
    text_parameter("to", MOMENT_LENGTH, "End, at most now."),
    number_parameter("days", 1, DAYS_MOST, "Length in days if no start is given."),
]
MOMENTS = [
    text_parameter("from", MOMENT_LENGTH, "Start: a date, or a date and time; default `hours` before the end."),
    text_parameter("to", MOMENT_LENGTH, "End, at most now."),
]
ZONE = text_parameter("tz", ZONE_LENGTH, "Time zone of the days, such as Europe/Berlin; default UTC.")
REGIONS = text_parameter("regions", REGIONS_LENGTH, "Comma separated; default all.")


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
        reason = f"There is no region {unknown[0][:40]}. {nearest(unknown[0], found.values())}".strip()
        raise ValidationError({"regions": [reason]}, FieldCode.NO_SUCH_ROW.value)
    return {key: slug for key, slug in found.items() if slug in named}
