"""Serializer bases of the API: a field that is unknown, or read-only and different, is refused and not dropped."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import models
from drf_spectacular.helpers import forced_singular_serializer
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.settings import api_settings

from vigil.api.base.json_types import type_problem
from vigil.clock import YEARS_IN_WORDS, is_storable
from vigil.problems.codes import FieldCode
from vigil.problems.nearest import nearest

RowT = TypeVar("RowT", bound=models.Model)
InstanceT = TypeVar("InstanceT")


#: Where a field keeps a field of its own.
_INNER = ("child", "child_relation")


class _DeclaredFields(dict[str, Any]):
    """Fields of a serializer class. DRF makes them anew for each serializer, from their arguments.

    What a field was made of never changes, only where it stands: a copy shares the first and has the second itself.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {name: _fresh(field) for name, field in self.items()}


def _fresh(field: Any) -> Any:
    """A copy of a field that stands nowhere yet."""
    if type(field).__deepcopy__ is not serializers.Field.__deepcopy__:
        return copy.deepcopy(field)
    if isinstance(field, serializers.BaseSerializer):
        return _remade(field)
    made = object.__new__(type(field))
    made.__dict__.update(field.__dict__)
    for name in _INNER:
        if name in made.__dict__:
            made.__dict__[name] = inner = _fresh(made.__dict__[name])
            inner.parent = made
            if inner.field_name is None:
                inner.bind("", made)
    return made


def _remade(serializer: Any) -> Any:
    options = {
        name: _fresh(option) if isinstance(option, serializers.Field) else option
        for name, option in serializer._kwargs.items()
    }
    return type(serializer)(*serializer._args, **options)


_of_models: dict[type, _DeclaredFields] = {}


class _RefusesUnknown(serializers.BaseSerializer[Any]):
    """Refuses fields that would be dropped, and values of another JSON type than that of their field.

    A misspelt name must not look as if it were set, and `"no"` must not become true.
    """

    fields: Any
    _declared_fields: Any

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._declared_fields = _DeclaredFields(getattr(cls, "_declared_fields", {}))

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            problems = {str(name)[:100]: problem for name in data if (problem := self._problem(name, data[name]))}
            if problems:
                raise serializers.ValidationError(problems | self._others(data, problems))
        else:
            words = ErrorDetail("An object is needed here.", FieldCode.WRONG_TYPE.value)
            raise serializers.ValidationError({api_settings.NON_FIELD_ERRORS_KEY: [words]})
        return super().to_internal_value(data)

    def _others(self, data: Mapping[Any, Any], problems: Mapping[str, Any]) -> dict[str, Any]:
        """What is wrong with the other fields, so that one answer tells all of it."""
        try:
            super().to_internal_value({name: value for name, value in data.items() if str(name)[:100] not in problems})
        except serializers.ValidationError as refused:
            found: Any = refused.detail
            return {name: each for name, each in found.items() if name not in problems}
        return {}

    def _problem(self, name: Any, value: Any) -> Any:
        field = self.fields.get(name)
        if field is None:
            settable = [name for name, field in self.fields.items() if not field.read_only]
            reason = f"There is no such field. {nearest(str(name), settable)}".strip()
            return [ErrorDetail(reason, FieldCode.UNKNOWN_FIELD.value)]
        # What was read may be sent back as it was.
        if field.read_only and self.root is self and not self._is_present(name, value):
            return [ErrorDetail("This field is read-only: leave it out.", FieldCode.READ_ONLY.value)]
        return None if field.read_only else type_problem(field, value)

    def _is_present(self, name: str, value: Any) -> bool:
        return self.instance is not None and self.to_representation(self.instance).get(name) == value


class ApiSerializer(_RefusesUnknown, serializers.Serializer[InstanceT]):
    """A serializer of a plain object."""


class ApiModelSerializer(_RefusesUnknown, serializers.ModelSerializer[RowT]):
    """A serializer of a row. What its fields are is read from the model once."""

    def get_fields(self) -> dict[str, Any]:
        mine = type(self)
        if mine not in _of_models:
            _of_models[mine] = _DeclaredFields(super().get_fields())
        return copy.deepcopy(_of_models[mine])


class MomentField(serializers.DateTimeField):
    """A date and time that can be reckoned with in any time zone."""

    def to_internal_value(self, value: Any) -> datetime:
        moment: datetime = super().to_internal_value(value)
        if not is_storable(moment):
            raise serializers.ValidationError(YEARS_IN_WORDS)
        return moment


def list_of(serializer: type[serializers.BaseSerializer[Any]]) -> Any:
    """The schema of a list that is short enough to be answered whole: an object with `results`, as a page has."""
    name = serializer.__name__.removesuffix("Serializer")
    whole = type(f"{name}ListSerializer", (ApiSerializer,), {"results": serializer(many=True)})
    return forced_singular_serializer(whole)


def is_strict(serializer: object) -> bool:
    """Whether it refuses unknown fields."""
    return isinstance(serializer, _RefusesUnknown)
