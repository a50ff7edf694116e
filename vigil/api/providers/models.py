"""Models API: models in use with their retirement, the calendar of these, and the list that a monitor reads."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.accounts.models import Team
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiSerializer
from vigil.api.base.views import ApiView
from vigil.clock import database_now
from vigil.model_watch.calendar import feed_address, renew_feed
from vigil.model_watch.listed import MergedModel, merged_list
from vigil.model_watch.tables import load_table
from vigil.model_watch.uses import UsedModel, used_models
from vigil.monitors.models import Monitor


class UsePlaceSerializer(ApiSerializer[Any]):
    """Where a model is used: a monitor, or an entry of an imported file."""

    name = serializers.CharField()
    monitor = serializers.CharField(allow_null=True)


class UsedModelSerializer(ApiSerializer[Any]):
    """A model in use. Without a day nobody has announced one; `deprecated` says that its provider has."""

    provider = serializers.CharField()
    provider_name = serializers.CharField()
    model = serializers.CharField()
    used_in = UsePlaceSerializer(many=True)
    retires = serializers.DateField(allow_null=True)
    days_left = serializers.IntegerField(allow_null=True, help_text="Below 0 it is over.")
    deprecated = serializers.BooleanField()
    replacement = serializers.CharField()
    announced_by = serializers.CharField(help_text="Where that stands.")
    read = serializers.DateField(allow_null=True, help_text="The day on which that was read.")
    reported = serializers.BooleanField(help_text="It was not the provider who said so.")


class UsedModelsSerializer(ApiSerializer[Any]):
    """Models in use, those that retire first in front; `table_as_of` is the age of what no provider's list tells."""

    table_as_of = serializers.DateField()
    models = UsedModelSerializer(many=True)


class CalendarAddressSerializer(ApiSerializer[Any]):
    address = serializers.CharField()


class ListingRegionSerializer(ApiSerializer[Any]):
    """One region's last list."""

    region = serializers.CharField()
    at = serializers.DateTimeField()
    total = serializers.IntegerField()


class ListedModelSerializer(ApiSerializer[Any]):
    """One model of a provider's list. What the list does not tell is null or empty."""

    id = serializers.CharField()
    context_length = serializers.IntegerField(allow_null=True, help_text="Tokens.")
    price_in = serializers.CharField(help_text="Decimal USD for a million tokens.")
    price_out = serializers.CharField()
    retires = serializers.DateField(allow_null=True)
    stage = serializers.CharField()
    means = serializers.CharField(help_text="The model that an alias means.")
    replacement = serializers.CharField()
    missing_in = serializers.ListField(child=serializers.CharField(), help_text="Regions whose list lacks it.")


class ListedModelsSerializer(ApiSerializer[Any]):
    """A monitor's models list as its regions read it last."""

    provider = serializers.CharField()
    regions = ListingRegionSerializer(many=True)
    models = ListedModelSerializer(many=True)


class UsedModelsView(ApiView):
    """Models that monitors and imported LiteLLM files name."""

    @extend_schema(responses=UsedModelsSerializer)
    def get(self, request: Request) -> Response:
        """Every model in use, where it is used, and when it retires."""
        table, today = load_table().table, database_now().date()
        rows = [_used(one, today) for one in used_models(_team(request).pk, table)]
        return Response({"table_as_of": table.as_of, "models": rows})


class ModelCalendarView(ApiView):
    """The calendar of retirements."""

    @extend_schema(request=None, responses=CalendarAddressSerializer)
    def post(self, request: Request) -> Response:
        """The address of the calendar feed. It is a secret, so it requires write permission."""
        return Response({"address": feed_address(_team(request))})


class RenewedModelCalendarView(ApiView):
    """A new address of the calendar of retirements."""

    @extend_schema(request=None, responses=CalendarAddressSerializer)
    def post(self, request: Request) -> Response:
        """Issue a new address for the calendar feed. The old one stops working at once."""
        return Response({"address": renew_feed(_team(request))})


class MonitorModelsView(ApiView):
    """The models list that a monitor reads."""

    @extend_schema(responses=ListedModelsSerializer)
    def get(self, request: Request, public_id: str) -> Response:
        """The last list of each region, as one: which models there are, and which regions lack one."""
        monitor = get_object_or_404(Monitor, public_id=public_id, team=team_of(request), deleted_at=None)
        found = merged_list(monitor)
        regions = [{"region": one.region.slug, "at": one.at, "total": one.total} for one in found.regions]
        return Response({"provider": found.provider, "regions": regions, "models": list(map(_listed, found.models))})


def _team(request: Request) -> Team:
    team = team_of(request)
    if team is None:
        raise NotFound
    return team


def _used(one: UsedModel, today: date) -> dict[str, Any]:
    retires = one.retires
    return {
        "provider": one.named.provider,
        "provider_name": one.provider_name,
        "model": one.named.model,
        "used_in": [{"name": place.name, "monitor": place.public_id or None} for place in one.places],
        "retires": retires.day if retires else None,
        "days_left": one.days_left(today),
        "deprecated": one.deprecated,
        "replacement": one.replacement,
        "announced_by": retires.source if retires else one.source,
        "read": retires.read if retires else one.read,
        "reported": retires.reported if retires else False,
    }


def _listed(one: MergedModel) -> dict[str, Any]:
    row = one.row
    return {
        "id": row.id,
        "context_length": row.context or None,
        "price_in": row.price_in,
        "price_out": row.price_out,
        "retires": row.retires or None,
        "stage": row.stage,
        "means": row.target,
        "replacement": row.replacement,
        "missing_in": list(one.missing_in),
    }
