"""Serializer fields of monitors: configuration, secrets, regions and parents."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiTypes, extend_schema_field
from rest_framework import serializers

from vigil.api.base.json_types import ObjectField
from vigil.api.openapi.shapes import DISSENT
from vigil.monitors.models import Monitor, Region
from vigil.monitors.relations import regions_of
from vigil.problems.codes import FieldCode


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class SecretsField(serializers.DictField):
    """Names and values; write-only."""


@extend_schema_field(OpenApiTypes.OBJECT)
class ConfigField(ObjectField):
    """The prober's configuration."""


@extend_schema_field(DISSENT)
class DissentField(serializers.JSONField):
    """What each dissenting region saw, and in how many rounds."""


class RegionsField(serializers.ListField):
    """Regions by slug, read once for all monitors of a request."""

    child = serializers.CharField(max_length=40)

    def to_internal_value(self, data: Any) -> list[Region]:
        slugs = dict.fromkeys(super().to_internal_value(data))
        context: Any = self.context
        by_slug: dict[str, Region] = context.setdefault("region_by_slug", {})
        if not slugs.keys() <= by_slug.keys():
            by_slug.update({region.slug: region for region in Region.objects.all()})
        unknown = next((slug for slug in slugs if slug not in by_slug), None)
        if unknown is not None:
            raise serializers.ValidationError([f"There is no region {unknown}."], FieldCode.NO_SUCH_ROW.value)
        return [by_slug[slug] for slug in slugs]

    def get_attribute(self, instance: Monitor) -> list[Region]:
        return regions_of(instance)

    def to_representation(self, data: Any) -> list[str]:
        return [region.slug for region in data]


class ParentsField(serializers.ListField):
    """Ids of the living monitors that this one depends on."""

    def get_attribute(self, instance: Monitor) -> list[str]:
        needed = (needs.parent for needs in instance.dependencies.all())
        return sorted(parent.public_id for parent in needed if parent.deleted_at is None)
