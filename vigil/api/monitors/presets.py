"""Presets API: the catalogue, and the fields to create a monitor from one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from vigil.api.base.serializers import ApiSerializer, list_of
from vigil.api.base.views import Conventions
from vigil.monitors.validation import MAX_SECRET_LENGTH


class PresetFields(ApiSerializer[Any]):
    """Fields of a new monitor from a preset, in place of kind, config and secrets."""

    preset = serializers.CharField(
        max_length=60,
        write_only=True,
        required=False,
        help_text="Sets kind, config, secrets and other fields for a known AI service: openai, ollama, vllm, ... "
        "(`GET /presets` lists them).",
    )
    key = serializers.CharField(
        max_length=MAX_SECRET_LENGTH,
        write_only=True,
        required=False,
        trim_whitespace=False,
        help_text="For the preset. Never read back.",
    )
    address = serializers.CharField(
        max_length=500,
        write_only=True,
        required=False,
        help_text="For the preset: address of your own server, such as http://gpu.internal:8000.",
    )
    model = serializers.CharField(
        max_length=200, write_only=True, required=False, help_text="For the preset: a model that must exist."
    )
    region = serializers.CharField(
        max_length=40, write_only=True, required=False, help_text="For the preset: the provider's own region."
    )
    resource = serializers.CharField(
        max_length=200, write_only=True, required=False, help_text="For the preset: the name of an index or collection."
    )
    billing_acknowledged = serializers.BooleanField(
        write_only=True, required=False, help_text="For the preset: accept the cost of its checks."
    )


class PresetSerializer(ApiSerializer[Any]):
    """One preset of the catalogue."""

    name = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField(help_text="Kind of the monitor.")
    says = serializers.CharField(help_text="What a passing check proves, and what it does not.")
    key = serializers.CharField(help_text="none, optional or required.")
    needs = serializers.ListField(child=serializers.CharField(), help_text="Required parameters.")
    own_address = serializers.BooleanField(help_text="Whether it checks your own server, at `address`.")
    asks = serializers.CharField(help_text="The request of a check. It is free unless `billed` is set.")
    model_means = serializers.CharField(
        help_text="What a check proves if a model is given; empty if it takes no model."
    )
    timeout_ms = serializers.IntegerField(help_text="Recommended.")
    interval_s = serializers.IntegerField(help_text="Recommended.")
    billed = serializers.CharField(help_text="Cost of its checks; empty if they are free.")
    warnings = serializers.ListField(child=serializers.CharField())
    codes = serializers.DictField(
        child=serializers.CharField(), help_text="Meaning of each status code, unless the body is more specific."
    )
    doc = serializers.CharField(help_text="The provider's documentation page.")


class PresetViewSet(Conventions, viewsets.ViewSet):
    """The catalogue of presets; `POST /monitors` with `preset` creates a monitor."""

    lookup_field = "name"
    lookup_value_regex = r"[A-Za-z0-9._-]{1,60}"

    @extend_schema(responses=list_of(PresetSerializer))
    def list(self, request: Request) -> Response:
        # Imported late: most processes never show it, and the catalogue loads slowly.
        from probes.presets import CATALOGUE
        from probes.presets.described import described

        return Response({"results": [described(preset) for preset in CATALOGUE.values()]})

    @extend_schema(responses=PresetSerializer)
    def retrieve(self, request: Request, name: str) -> Response:
        from probes.presets import PresetError, find
        from probes.presets.described import described

        try:
            return Response(described(find(name)))
        except PresetError as problem:
            raise NotFound(problem.problem) from None
