"""Schema inspector of API views: each operation with its words, scope, parameters and error answers."""

from __future__ import annotations

from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import get_doc
from rest_framework import serializers
from rest_framework.permissions import SAFE_METHODS

from vigil.accounts.models import Scope
from vigil.api.base.permissions import SCOPES, AnyScope, StaffChanges, StaffOnly, WritersOnly
from vigil.api.base.serializers import ApiModelSerializer, ApiSerializer, is_strict
from vigil.api.openapi.operations import CREATES, MORE_ERRORS, OperationWords, words_of
from vigil.api.openapi.problems import reference
from vigil.api.openapi.tags import tag_of

Json = dict[str, Any]

#: Descriptions of operations that every kind of object has.
_COMMON = {
    "list": "A page of the objects of the team. `next` is the address of the next page, or null.",
    "create": "Creates it and answers with it as it was stored.",
    "retrieve": "One object by its id.",
    "update": "Replaces its fields by those that are sent; a field that is left out gets its default.",
    "partial_update": "Changes the fields that are sent and leaves the others.",
}
_ANSWERED = {
    "200": "The answer.",
    "201": "It was created.",
    "202": "It will be done.",
    "204": "Done; there is no body.",
}
_IF_MATCH = "The `ETag` that was read; 412 where the object has changed since."
_IDEMPOTENCY_KEY = "A key of your own: within a day it gets the first answer again, and nothing is made twice."
_TIME_OF_DAY = r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?$"
_BASES = frozenset({serializers.Serializer.__doc__, ApiSerializer.__doc__, ApiModelSerializer.__doc__})


class ApiSchema(AutoSchema):
    """Describes an operation from its view; `extend_schema` on the view goes before."""

    def get_operation_id(self) -> str:
        return self._words().id

    def get_summary(self) -> str:
        return self._words().summary

    def get_description(self) -> str:  # type: ignore[override]
        doc = self._doc() or _COMMON.get(self._action(), "")
        staff = any(isinstance(each, (StaffChanges, StaffOnly)) for each in self.view.get_permissions())
        of_staff = ", and a token of staff" if staff and not self._everyone_reads() else ""
        needs = f"Needs the scope `{self.scope()}`{of_staff}" if self.scope() else "Any token may ask"
        return f"{doc}\n\n{needs}."

    def get_tags(self) -> list[str]:
        return [tag_of(self._below_version())]

    def get_auth(self) -> list[Json]:
        # Roles beside a bearer token are the scopes it must have: OpenAPI 3.1 lets any scheme name them.
        scopes = [self.scope()] if self.scope() else []
        return [{name: scopes if name == "token" else []} for each in super().get_auth() for name in each]

    def get_extensions(self) -> Json:
        return {"x-scope": self.scope(), **super().get_extensions()}

    def get_paginated_name(self, serializer_name: str) -> str:
        return f"{serializer_name}Page"

    def scope(self) -> str:
        """The scope that a token needs for this operation; empty where any will do."""
        permissions = self.view.get_permissions()
        if any(isinstance(each, AnyScope) for each in permissions):
            return ""
        named = SCOPES.get((getattr(self.view, "basename", ""), self._action()))
        hidden = any(isinstance(each, WritersOnly) for each in permissions)
        return str(named or (Scope.READ if self.method in SAFE_METHODS and not hidden else Scope.WRITE))

    def _everyone_reads(self) -> bool:
        only = any(isinstance(each, StaffOnly) for each in self.view.get_permissions())
        return self.method in SAFE_METHODS and not only

    def _action(self) -> str:
        return str(getattr(self.view, "action", "") or self.method.lower())

    def _doc(self) -> str:
        """Docstring of the operation's function; of its class where the class is the operation."""
        doc = get_doc(getattr(self.view, self._action(), None))
        return str(doc or ("" if hasattr(self.view, "action") else get_doc(type(self.view))))

    def _below_version(self) -> str:
        return str(self.path).removeprefix("/api/v1/")

    def _words(self) -> OperationWords:
        return words_of(self.method, self._below_version(), self._action(), self._doc())

    def _resolve_path_parameters(self, variables: list[str]) -> list[Json]:
        found: list[Json] = super()._resolve_path_parameters(variables)
        pattern = getattr(self.view, "lookup_value_regex", None)
        names = (getattr(self.view, "lookup_url_kwarg", None), getattr(self.view, "lookup_field", None))
        for parameter in found:
            if pattern and parameter["name"] in names:
                parameter["schema"] = {"type": "string", "pattern": f"^{pattern}$"}
        return found

    def _get_parameters(self) -> list[Json]:
        headers = {"If-Match": _IF_MATCH} if self._replaces() else {}
        if self.method == "POST":
            headers["Idempotency-Key"] = _IDEMPOTENCY_KEY
        shown = [
            {"in": "header", "name": name, "schema": {"type": "string"}, "description": words}
            for name, words in headers.items()
        ]
        found: list[Json] = super()._get_parameters()
        return [*found, *shown]

    def _replaces(self) -> bool:
        """Whether this operation changes or deletes a row that has an entity tag."""
        # Imported late: a decorator in that module asks for this class.
        from vigil.api.base.writes import LockedWrites

        return isinstance(self.view, LockedWrites) and self._action() in ("update", "partial_update", "destroy")

    def _is_create_operation(self) -> bool:
        return super()._is_create_operation() or self.get_operation_id() in CREATES

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Json:
        answers: Json = super()._get_response_bodies(direction)
        for status, answer in answers.items():
            answer["description"] = answer.get("description") or _ANSWERED.get(status, "The answer.")
        errors = {int(status) for status in answers if status >= "400"} | self._errors()
        right = {status: answer for status, answer in answers.items() if status < "400"}
        return {**right, **{str(status): reference(status) for status in sorted(errors)}}

    def _errors(self) -> set[int]:
        """Statuses of errors that this operation may answer."""
        # Imported late: a decorator in that module asks for this class.
        from vigil.api.base.writes import LockedWrites

        # Each refuses parameters that it does not know.
        errors = {400, 401, 403, 429, 503, *MORE_ERRORS.get(self.get_operation_id(), ())}
        if "{" in self.path:
            errors.add(404)
        if self.method in ("POST", "PUT", "PATCH"):
            errors |= {413, 415}
        if isinstance(self.view, LockedWrites) and self._action() in ("create", "update", "partial_update", "destroy"):
            errors.add(409)
        if self._replaces():
            errors.add(412)
        if self.method == "POST":
            errors |= {409, 422}
        return errors

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> Json:
        mapped: Json = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, serializers.TimeField):
            # JSON Schema's `time` has a time zone, which a time of day has not.
            mapped.pop("format", None)
            mapped["pattern"] = _TIME_OF_DAY
        if field.read_only and "enum" in mapped and _may_be_empty(field):
            mapped["enum"] = [*mapped["enum"], ""]
        return mapped

    def _postprocess_serializer_schema(self, schema: Json, serializer: Any, direction: str) -> Json:
        schema = super()._postprocess_serializer_schema(schema, serializer, direction)
        if schema.get("description") in _BASES or serializer.__class__.__doc__ is None:
            schema.pop("description", None)
        if direction == "response" and schema.get("properties"):
            # What is shown is shown whole.
            schema["required"] = sorted(schema["properties"])
        elif direction == "request" and is_strict(serializer):
            schema["additionalProperties"] = False
        return schema


def _may_be_empty(field: Any) -> bool:
    """Whether the model's field may hold an empty choice, which a field that is only read does not tell."""
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    return any(each.name == field.source and each.blank for each in model._meta.fields) if model else False
