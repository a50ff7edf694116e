"""Objects that a document keeps, as their own API shows them: where they are written, and a warning after a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS

from vigil.api.base.serializers import ApiSerializer
from vigil.code.ownership import drift_in_words, owner_column, owner_of_row, owner_shown

if TYPE_CHECKING:
    from vigil.api.base.writes import LockedWrites

    _View = LockedWrites
else:
    _View = object

#: Characters of a warning, which is one line.
WARNING_LENGTH = 1_000


class ManagedBySerializer(ApiSerializer[Any]):
    """Where a document keeps an object: its project, its place in the document, and the file and line."""

    project = serializers.CharField()
    place = serializers.CharField(help_text="Section and key, such as monitors.chat-api.")
    file = serializers.CharField()
    line = serializers.IntegerField()


@extend_schema_field(ManagedBySerializer(allow_null=True))
class ManagedField(serializers.Field[Any, Any, dict[str, Any] | None, Any]):
    """The owner of a row: of a list, read with its rows."""

    def __init__(self, **options: Any) -> None:
        words = "The vigil.yaml that keeps it: what is changed here is drift. Null for one that people keep by hand."
        super().__init__(**{"read_only": True, "help_text": words, **options})

    def get_attribute(self, instance: Any) -> Any:
        return instance

    def to_representation(self, value: Any) -> dict[str, Any] | None:
        if hasattr(value, "managed_by"):
            found: dict[str, Any] | None = value.managed_by
            return found
        # What was just made is in no document.
        is_new = getattr(self.context.get("view"), "action", "") in ("create", "clone")
        return None if is_new else owner_shown(owner_of_row(value))


class ManagedRows(_View):
    """For view sets of objects that a document may keep: before `LockedWrites`."""

    may_warn = True
    _owner: dict[str, Any] | None = None

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = super().filter_queryset(queryset)
        if not self.shows("managed_by"):
            return found
        return found.annotate(managed_by=owner_column(self.lookup_field.removesuffix("public_id")))

    def get_object(self) -> Any:
        row = super().get_object()
        self._owner = getattr(row, "managed_by", None)
        return row

    def finalize_response(self, request: Any, response: Any, *args: Any, **options: Any) -> Any:
        if self._owner is not None and request.method not in SAFE_METHODS and response.status_code < 300:
            response["Warning"] = warning_header(drift_in_words(**self._owner))
        return super().finalize_response(request, response, *args, **options)


def warning_header(words: str) -> str:
    """A `Warning` header of an answer that is right, with words for a person."""
    plain = "".join(one if one.isprintable() and one.isascii() and one not in '"\\' else "?" for one in words)
    return f'299 - "{plain[:WARNING_LENGTH]}"'
