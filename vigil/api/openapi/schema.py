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
from vigil.api.openapi.fields import NAME_LENGTH, described_field
from vigil.api.openapi.headers import OF_CALLERS, asked_header, told_headers
from vigil.api.openapi.operations import CREATES, MORE_ERRORS, OperationWords, words_of
from vigil.api.openapi.parameters import bounded, sparse_fields
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
    "304": "It is still what `If-None-Match` names; there is no body.",
}
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
            elif parameter["schema"] == {"type": "string"}:
                parameter["schema"] = {"type": "string", "maxLength": NAME_LENGTH}
        return found

    def _get_parameters(self) -> list[Json]:
        headers = ["If-Match"] if self._replaces() else []
        headers += ["If-None-Match"] if self._is_tagged() and self.method == "GET" else []
        headers += ["Idempotency-Key"] if self.method == "POST" else []
        found: list[Json] = super()._get_parameters()
        return [*bounded(found, self.view), *self._sparse(), *map(asked_header, headers)]

    def _sparse(self) -> list[Json]:
        """The parameter that narrows what is shown of objects."""
        # Imported late: it asks for this class.
        from vigil.api.base.views import Resources

        if self._action() not in ("list", "retrieve") or not isinstance(self.view, Resources):
            return []
        shown = [name for name, field in self.view.get_serializer().fields.items() if not field.write_only]
        return [sparse_fields(shown)]

    def _is_tagged(self) -> bool:
        # Imported late: it asks for this class.
        from vigil.api.base.views import TAGGED, Conventions

        return isinstance(self.view, Conventions) and self._action() in TAGGED

    def _replaces(self) -> bool:
        """Whether this operation changes or deletes a row that has an entity tag."""
        # Imported late: it asks for this class.
        from vigil.api.base.views import Conventions

        return (
            self.method not in SAFE_METHODS and isinstance(self.view, Conventions) and self.view.keeps_preconditions()
        )

    def _is_create_operation(self) -> bool:
        return super()._is_create_operation() or self.get_operation_id() in CREATES

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Json:
        answers: Json = super()._get_response_bodies(direction)
        for status, answer in answers.items():
            answer["description"] = answer.get("description") or _ANSWERED.get(status, "The answer.")
        errors = {int(status) for status in answers if status >= "400"} | self._errors()
        right = {status: answer for status, answer in answers.items() if status < "400"}
        for status, answer in right.items():
            of_files = ("Link", "Content-Disposition") if "text/csv" in answer.get("content", {}) else ()
            answer["headers"] = {**answer.get("headers", {}), **self._told(status), **told_headers(*of_files)}
        if self._is_tagged() and self.method == "GET":
            right["304"] = {"description": _ANSWERED["304"], "headers": told_headers("ETag", *OF_CALLERS)}
        return {**right, **{str(status): reference(status) for status in sorted(errors)}}

    def _told(self, status: str) -> Json:
        names = ["ETag"] if self._is_tagged() else []
        names += ["Location"] if status == "201" and (self._action() == "create" or self._names_created()) else []
        names += ["Warning"] if getattr(self.view, "may_warn", False) and self.method not in SAFE_METHODS else []
        names += ["Idempotent-Replayed"] if self.method == "POST" else []
        return told_headers(*names, *OF_CALLERS)

    def _names_created(self) -> bool:
        return self.get_operation_id() in CREATES

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
        # A request has no field that is only read: mapped for one, it would leave a schema that nothing uses.
        direction = "response" if field.read_only else direction
        mapped: Json = super()._map_serializer_field(field, direction, bypass_extensions)
        return described_field(field, mapped, direction)

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
