"""Costs of monitors API: what a new monitor, or a change of one, would cost; nothing is saved and nothing is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from probes.ai.prices import NANOS
from probes.wire import CANARY_KIND
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiSerializer
from vigil.monitors.costs import canary_estimate, cost_warnings
from vigil.monitors.drafts import changed_draft, draft_monitor
from vigil.monitors.models import DerivedKind, Monitor, Region
from vigil.monitors.validation import least_interval_s

if TYPE_CHECKING:
    _ViewSet = viewsets.GenericViewSet[Any]
else:
    _ViewSet = object


class CostEstimateSerializer(ApiSerializer[Any]):
    """What a monitor would cost. Amounts are US dollars; null for a monitor that costs nothing."""

    estimated_monthly_cost = serializers.FloatField(allow_null=True, help_text="For 30 days of answers of a canary.")
    answer_cost = serializers.FloatField(allow_null=True, help_text="Of one answer of full length.")
    answer_cost_most = serializers.FloatField(
        allow_null=True, help_text="The most that one answer can cost; it is reserved before each is asked."
    )
    monthly_budget = serializers.FloatField(allow_null=True, help_text="Where it stops until the next month (UTC).")
    input_price = serializers.FloatField(allow_null=True, help_text="For a million tokens.")
    output_price = serializers.FloatField(allow_null=True, help_text="For a million tokens.")
    prices_as_of = serializers.DateField(
        allow_null=True, help_text="Of the table that the prices are from; null for prices that you gave."
    )
    words = serializers.CharField(allow_blank=True, help_text="The same in one line for people.")
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text="What else would be spent, as behind LiteLLM's /health."
    )


class CostActions(_ViewSet):
    """For a view set of monitors."""

    @extend_schema(responses=CostEstimateSerializer)
    @action(detail=True, methods=["post"], filterset_class=None, pagination_class=None)
    def cost(self, request: Request, public_id: str) -> Response:
        """What it would cost with the fields of the body changed, as `PATCH` would take them; nothing is saved.

        An empty body asks what it costs as it is.
        """
        monitor: Monitor = self.get_object()
        serializer: Any = self.get_serializer(monitor, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        wanted, _ = serializer.settable(serializer.validated_data)
        if monitor.kind in DerivedKind:
            return Response(estimate(monitor, ()))
        return Response(estimate(*changed_draft(monitor, _agreed(monitor.kind, wanted))))

    @extend_schema(responses=CostEstimateSerializer)
    @action(detail=False, methods=["post"], url_path="cost", filterset_class=None, pagination_class=None)
    def cost_unsaved(self, request: Request) -> Response:
        """What the monitor of the body would cost, as `POST /monitors` would take it; nothing is saved.

        A name is not needed, and a canary's `billing_acknowledged` is not either: this is to agree by.
        """
        serializer: Any = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        team = team_of(request)
        assert team is not None, "the permission requires a team"
        with serializer.refusals():
            wanted, _ = serializer.settable(serializer.validated_data)
            # As often as it would ask if it were saved so.
            wanted.setdefault("interval_s", max(Monitor().interval_s, least_interval_s(wanted.get("kind", ""))))
            return Response(estimate(*draft_monitor(team, _agreed("", wanted))))


def _agreed(kind: str, wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields with the consent that a canary needs to be saved."""
    config = wanted.get("config")
    if wanted.get("kind", kind) != CANARY_KIND or not isinstance(config, Mapping):
        return wanted
    return {**wanted, "config": {**config, "billing_acknowledged": True}}


def estimate(monitor: Monitor, regions: Sequence[Region]) -> dict[str, Any]:
    """The row of a monitor, which need not be saved, from these regions."""
    found = canary_estimate(monitor.kind, monitor.config, monitor.interval_s)
    amounts = (found.month, found.answer, found.answer_most, found.budget) if found is not None else (None,) * 4
    names = ("estimated_monthly_cost", "answer_cost", "answer_cost_most", "monthly_budget")
    return {
        **{name: nanos / NANOS if nanos is not None else None for name, nanos in zip(names, amounts, strict=True)},
        "input_price": found.price.input if found is not None else None,
        "output_price": found.price.output if found is not None else None,
        "prices_as_of": (found.price.as_of or None) if found is not None else None,
        "words": found.text if found is not None else "",
        "warnings": cost_warnings(monitor.config, len(regions), monitor.interval_s),
    }
