"""Offers API: who serves the model of a monitor through its gateway, how well, for how much, and the best one now."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from probes.ai.offers.offer import Offer
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiSerializer
from vigil.api.base.views import ApiView
from vigil.clock import database_now
from vigil.monitors.models import Monitor
from vigil.offers.core.ranking import RULE_WORDS, Fitness, RankedBy, RankedOffer, best, ranked
from vigil.offers.models import MonitorOffers

FITNESSES = [(one.value, one.value) for one in Fitness]
_PARTS = ("p50", "p75", "p90", "p99")


class PercentilesOfOfferSerializer(ApiSerializer[Any]):
    p50 = serializers.FloatField()
    p75 = serializers.FloatField()
    p90 = serializers.FloatField()
    p99 = serializers.FloatField()


class OfferSerializer(ApiSerializer[Any]):
    """One provider's offer for the model. What the gateway does not tell is null, or empty."""

    tag = serializers.CharField(help_text="Its route key at the gateway.")
    name = serializers.CharField()
    status = serializers.CharField(help_text="As the gateway writes it.")
    fitness = serializers.ChoiceField(choices=FITNESSES)
    uptime_5m = serializers.FloatField(allow_null=True, help_text="Percent of answered requests.")
    uptime_30m = serializers.FloatField(allow_null=True)
    uptime_1d = serializers.FloatField(allow_null=True)
    first_token_ms = PercentilesOfOfferSerializer(allow_null=True)
    throughput = PercentilesOfOfferSerializer(allow_null=True, help_text="Output tokens a second; percentiles fall.")
    price_in = serializers.CharField(help_text="Decimal USD for a million tokens.")
    price_out = serializers.CharField()
    quantization = serializers.CharField()
    context_length = serializers.IntegerField(allow_null=True, help_text="Tokens.")
    max_output = serializers.IntegerField(allow_null=True)


class OffersSerializer(ApiSerializer[Any]):
    """Offers, the best first by the rule; `read_at` is null while none was read."""

    model = serializers.CharField()
    region = serializers.CharField(help_text="Which region read them.")
    read_at = serializers.DateTimeField(allow_null=True)
    rule = serializers.CharField()
    best = serializers.CharField(allow_null=True, help_text="Tag of the best offer now.")
    offers = OfferSerializer(many=True)


class MonitorOffersView(ApiView):
    """Who serves a monitor's model through its gateway."""

    @extend_schema(
        parameters=[OpenApiParameter("by", enum=[one.value for one in RankedBy], description="Default price.")],
        responses=OffersSerializer,
    )
    def get(self, request: Request, public_id: str) -> Response:
        """The offers that were read last, ranked."""
        monitor = get_object_or_404(Monitor, public_id=public_id, team=team_of(request), deleted_at=None)
        by = request.query_params.get("by", RankedBy.PRICE.value)
        if by not in set(RankedBy):
            raise ValidationError({"by": [f"One of {', '.join(RankedBy)}."]})
        rule = RankedBy(by)
        row = MonitorOffers.objects.filter(monitor=monitor).first()
        offers = row.offers if row is not None else []
        first = best(offers, rule) if row is not None and row.are_of_now(database_now()) else None
        return Response(
            {
                "model": row.model if row else "",
                "region": row.region if row else "",
                "read_at": row.read_at if row else None,
                "rule": RULE_WORDS[rule],
                "best": first.tag if first else None,
                "offers": [_row(one) for one in ranked(offers, rule)],
            }
        )


def _row(one: RankedOffer) -> dict[str, Any]:
    offer: Offer = one.offer
    return {
        "tag": offer.tag,
        "name": offer.name,
        "status": offer.status,
        "fitness": one.fitness.value,
        "uptime_5m": offer.uptime_5m,
        "uptime_30m": offer.uptime_30m,
        "uptime_1d": offer.uptime_1d,
        "first_token_ms": _percentiles(offer.latency_ms),
        "throughput": _percentiles(offer.throughput),
        "price_in": offer.price_in,
        "price_out": offer.price_out,
        "quantization": offer.quantization,
        "context_length": offer.context or None,
        "max_output": offer.max_output or None,
    }


def _percentiles(known: list[float]) -> dict[str, float] | None:
    return dict(zip(_PARTS, known, strict=True)) if len(known) == len(_PARTS) else None
