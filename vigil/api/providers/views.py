"""Providers API: error budgets of providers and their models, and the yearly table of detection leads."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.accounts.models import Team
from vigil.api.base.parameters import number_parameter
from vigil.api.base.permissions import team_of
from vigil.api.base.views import ApiView
from vigil.api.history import csv_rows
from vigil.api.history.views import FastJSONRenderer
from vigil.api.providers.serializers import (
    LeadTableSerializer,
    ProviderBudgetsSerializer,
    ProviderLeadsSerializer,
    budget_row,
    leads_row,
)
from vigil.clock import database_now
from vigil.history.reading.minutes_lost import provider_budgets
from vigil.incidents.providers.lead_years import lead_table

YEAR_LEAST, YEAR_MOST = 2020, 2100


class ProvidersView(ApiView):
    """Error budgets of the providers that the team watches, each followed by those of its models."""

    @extend_schema(responses=ProviderBudgetsSerializer)
    def get(self, request: Request) -> Response:
        found = provider_budgets(_team(request), database_now())
        return Response({"budgets": [budget_row(one) for one in found]})


class ProviderView(ApiView):
    """Error budgets of one provider and of its models."""

    @extend_schema(responses=ProviderBudgetsSerializer)
    def get(self, request: Request, provider: str) -> Response:
        found = provider_budgets(_team(request), database_now(), provider)
        if not found:
            raise NotFound
        return Response({"budgets": [budget_row(one) for one in found]})


class DetectionLeadsView(ApiView):
    """Who told of outages first, by provider, over a calendar year."""

    renderer_classes = [FastJSONRenderer, csv_rows.CSVRenderer]

    @extend_schema(
        parameters=[
            number_parameter("year", YEAR_LEAST, YEAR_MOST, "In UTC; default this year."),
            OpenApiParameter("format", enum=["json", "csv"], description="Or `Accept: text/csv`."),
        ],
        responses={(200, "application/json"): LeadTableSerializer, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> Any:
        """The table as JSON or CSV."""
        year = _year(request)
        rows = [leads_row(one) for one in lead_table(_team(request), year)]
        if isinstance(request.accepted_renderer, csv_rows.CSVRenderer):  # type: ignore[attr-defined]
            return csv_rows.answer(list(ProviderLeadsSerializer().fields), rows, f"detection-leads-{year}")
        return Response({"year": year, "providers": rows})


def _year(request: Request) -> int:
    given = str(request.query_params.get("year", database_now().year))
    if not (given.isascii() and given.isdigit() and YEAR_LEAST <= int(given[:5]) <= YEAR_MOST):
        raise ValidationError({"year": [f"A year from {YEAR_LEAST} to {YEAR_MOST}."]})
    return int(given)


def _team(request: Request) -> Team:
    team = team_of(request)
    if team is None:
        raise NotFound
    return team
