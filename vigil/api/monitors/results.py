"""What is seen of a monitor now: its state, the latest result of each region, and the quota that is left of its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from probes.wire import Phases, Result
from vigil.api.base.serializers import ApiModelSerializer, ApiSerializer
from vigil.api.history.answers import FactsField
from vigil.api.monitors.engines import EnginesSerializer, ToolsSerializer, engines_row, tools_row
from vigil.api.monitors.fields import DissentField
from vigil.api.monitors.headroom import HeadroomSerializer, headroom_row, trend_rows
from vigil.incidents.models import MonitorState
from vigil.monitors.live.results import instant, latest_results
from vigil.tool_watch.models import ToolList

if TYPE_CHECKING:
    _ViewSet = viewsets.GenericViewSet[Any]
else:
    _ViewSet = object


class ResultSerializer(ApiSerializer[Any]):
    """A region's last result; `status` is null if there is none. Durations are milliseconds."""

    region = serializers.CharField()
    status = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)
    detail = serializers.CharField(allow_blank=True)
    code = serializers.IntegerField()
    phases_ms = serializers.DictField(child=serializers.FloatField())
    facts = FactsField(help_text="Other facts: address, certificate, rate limits, queue, ...")


class LatestSerializer(ApiSerializer[Any]):
    available = serializers.BooleanField()
    results = ResultSerializer(many=True)


class StateSerializer(ApiModelSerializer[MonitorState]):
    """State of a monitor."""

    dissent = DissentField(read_only=True, help_text="Regions that contradict the status, by their slugs.")

    class Meta:
        model = MonitorState
        fields = ("status", "account", "since", "dissent", "regional", "blind", "flapping", "verified_at")


class SeenActions(_ViewSet):
    """For a view set of monitors."""

    @extend_schema(responses=StateSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def state(self, request: Request, public_id: str) -> Response:
        """Its present state."""
        monitor = self.get_object()
        state = MonitorState.objects.filter(monitor=monitor).first() or MonitorState(monitor=monitor)
        return Response(StateSerializer(state).data)

    @extend_schema(responses=LatestSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def latest(self, request: Request, public_id: str) -> Response:
        """The newest scheduled result of each of its regions; `available` is false during a Redis outage."""
        monitor = self.get_object()
        regions = [region.slug for region in monitor.regions.all()]
        found = latest_results([monitor.public_id], regions)
        seen = found.of(monitor.public_id)
        results = [result_row(region, seen.get(region)) for region in regions]
        return Response({"available": found.available, "results": results})

    @extend_schema(responses=HeadroomSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def headroom(self, request: Request, public_id: str) -> Response:
        """Remaining quota of its key, as each region saw it last, and when it ends at the present slope."""
        monitor = self.get_object()
        regions = [region.slug for region in monitor.regions.all()]
        found = latest_results([monitor.public_id], regions)
        seen = found.of(monitor.public_id)
        rows = [headroom_row(region, seen.get(region)) for region in regions]
        return Response({"available": found.available, "regions": rows, **trend_rows(monitor)})

    @extend_schema(responses=EnginesSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def engines(self, request: Request, public_id: str) -> Response:
        """Each engine of its inference server, as each region saw it last."""
        monitor = self.get_object()
        regions = [region.slug for region in monitor.regions.all()]
        found = latest_results([monitor.public_id], regions)
        seen = found.of(monitor.public_id)
        rows = [engines_row(region, seen.get(region)) for region in regions]
        return Response({"available": found.available, "regions": rows})

    @extend_schema(responses=ToolsSerializer)
    @action(detail=True, methods=["get"], filterset_class=None, pagination_class=None)
    def tools(self, request: Request, public_id: str) -> Response:
        """The tools of its MCP server that most regions agreed on."""
        monitor = self.get_object()
        return Response(tools_row(ToolList.objects.filter(monitor=monitor).first()))


def result_row(region: str, result: Result | None) -> dict[str, Any]:
    """One region's latest result as `ResultSerializer` describes it."""
    if result is None:
        return {
            "region": region, "status": None, "reason": None, "at": None, "detail": "", "code": 0, "phases_ms": {},
            "facts": {},
        }  # fmt: skip
    return {
        "region": region,
        "status": result.status.value,
        "reason": result.reason.value,
        "at": instant(result.started_ms),
        "detail": result.detail,
        "code": result.code,
        "phases_ms": phases_ms(result.phases),
        "facts": result.facts,
    }


def phases_ms(phases: Phases) -> dict[str, float]:
    """The phases of a check in milliseconds, by name."""
    return {
        "dns": phases.dns_us / 1000,
        "connect": phases.connect_us / 1000,
        "tls": phases.tls_us / 1000,
        "first_byte": phases.first_byte_us / 1000,
        "total": phases.total_us / 1000,
    }
