"""Region access API: which regions may use which providers, since when, and by which evidence."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.access.core.region_access import Access
from vigil.access.matrix import read_matrix
from vigil.api.base.permissions import team_of
from vigil.api.base.serializers import ApiSerializer
from vigil.api.base.views import ApiView

ACCESSES = [(one.value, one.value) for one in Access]


class RegionAccessSerializer(ApiSerializer[Any]):
    region = serializers.CharField()
    access = serializers.ChoiceField(choices=ACCESSES)
    since = serializers.DateTimeField()
    seen_at = serializers.DateTimeField(help_text="When a check showed it last.")
    evidence = serializers.CharField(allow_blank=True, help_text="Phase, address and words of that check.")


class ProviderAccessSerializer(ApiSerializer[Any]):
    """One host of a provider and every region that looks at it."""

    provider = serializers.CharField()
    name = serializers.CharField()
    host = serializers.CharField()
    regions = RegionAccessSerializer(many=True)


class RegionMatrixSerializer(ApiSerializer[Any]):
    providers = ProviderAccessSerializer(many=True)


class RegionAccessView(ApiView):
    """Which regions may use which providers: refused by geography and interfered with are told apart from down."""

    @extend_schema(responses=RegionMatrixSerializer)
    def get(self, request: Request) -> Response:
        team = team_of(request)
        rows = read_matrix(team) if team is not None else []
        return Response(RegionMatrixSerializer({"providers": rows}).data)
