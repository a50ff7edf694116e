"""Serializers of the bulk API: an action with its monitors, and what became of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from vigil.api.alerts.silences import SilenceSerializer
from vigil.api.base.serializers import ApiSerializer
from vigil.api.monitors.monitors import MonitorSerializer
from vigil.api.openapi.shapes import FILTERS
from vigil.monitors.validation import MAX_TAG_LENGTH, MAX_TAGS
from vigil.problems.codes import FieldCode

MAX_ITEMS, MAX_CHOSEN = 1_000, 10_000
#: Managed monitors that an answer names.
MANAGED_NAMED = 10


class BulkOperation(StrEnum):
    """What is done to the monitors."""

    CREATE = "create"
    PAUSE = "pause"
    RESUME = "resume"
    TAG = "tag"
    UNTAG = "untag"
    SILENCE = "silence"
    DELETE = "delete"


@extend_schema_field(MonitorSerializer(many=True))
class ItemsField(serializers.ListField):
    """Bodies of new monitors; the serializer of monitors validates them."""


@extend_schema_field(FILTERS)
class FilterField(serializers.DictField):
    """Filters of the list of monitors."""


@extend_schema_field(SilenceSerializer)
class SilenceField(serializers.DictField):
    """The body of a silence; its serializer validates it."""


class BulkSerializer(ApiSerializer[Any]):
    """An action with its monitors: `items` for create, else `ids` or `filter`."""

    action = serializers.ChoiceField(choices=[(each.value, each.value) for each in BulkOperation])
    items = ItemsField(
        child=serializers.DictField(),
        required=False,
        min_length=1,
        max_length=MAX_ITEMS,
        help_text="For create: bodies of `POST /monitors`.",
    )
    ids = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, min_length=1, max_length=MAX_CHOSEN
    )
    filter = FilterField(
        required=False, help_text="Filters of `GET /monitors`, at least one; several values are a list."
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=MAX_TAG_LENGTH),
        required=False,
        min_length=1,
        max_length=MAX_TAGS,
        help_text="For tag and untag.",
    )
    silence = SilenceField(required=False, help_text="For silence: a body of `POST /silences`.")
    force = serializers.BooleanField(default=False, help_text="For delete: although others use them.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        wanted = {"create": ["items"], "tag": ["tags"], "untag": ["tags"], "silence": ["silence"]}
        needed = wanted.get(attrs["action"], [])
        if attrs["action"] != BulkOperation.CREATE:
            needed = [*needed, "ids" if "ids" in attrs or "filter" not in attrs else "filter"]
        missing = [name for name in needed if not attrs.get(name)]
        extra = sorted(set(attrs) - {"action", "force", *needed})
        if missing or extra:
            says = {name: [ErrorDetail("This action needs it.", FieldCode.REQUIRED.value)] for name in missing}
            raise serializers.ValidationError(says | {name: ["Not with this action."] for name in extra})
        return attrs


class BulkAnswerSerializer(ApiSerializer[Any]):
    count = serializers.IntegerField(help_text="How many were created or changed.")
    ids = serializers.ListField(child=serializers.CharField(), help_text="Of all that the request was about, in order.")
    silence = serializers.CharField(allow_null=True, help_text="The id of the new silence.")
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text=f"Of monitors that a document keeps, at most {MANAGED_NAMED} by name."
    )
