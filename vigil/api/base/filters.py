"""Filters of lists: several values, strict booleans, tags, search. A value that means nothing is refused with 400."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import django_filters
from django import forms
from django.db import models
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django_filters.fields import IsoDateTimeField
from rest_framework.exceptions import ErrorDetail, ValidationError

from vigil.api.base.parameters import BOOLEANS
from vigil.api.base.permissions import team_of
from vigil.clock import YEARS_IN_WORDS, is_storable
from vigil.problems.codes import FieldCode
from vigil.problems.nearest import nearest

#: Bounds of one filter.
MAX_VALUES, MAX_LENGTH = 200, 200
#: Names among which the nearest is looked for.
_NAMED_MOST = 1_000

#: Of a filter that takes any text.
_OPEN = "Any text: what no row has finds none."

Choices = Collection[str] | Callable[[], Collection[str]]


class _Given(forms.Widget):
    """Every value of a parameter: repeated, or separated by commas."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return data.getlist(name) if isinstance(data, QueryDict) else [str(data[name])] if name in data else []


class WordsField(forms.Field):
    """Words of a query, of which there are a bounded number; with `among` only those."""

    widget = _Given

    def __init__(self, *, among: Choices | None = None, splits: bool = True, pattern: str = "", **options: Any) -> None:
        self._among, self._splits, self._pattern = among, splits, pattern
        self._longest = options.pop("max_length", MAX_LENGTH)
        super().__init__(**options)

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the values."""
        among = self._among() if callable(self._among) else self._among
        one: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": self._longest}
        if among is not None:
            one = {"type": "string", "enum": list(among)}
        elif self._pattern:
            one["pattern"] = f"^{self._pattern}$"
        elif self._splits:
            one["pattern"] = "^[^,]+$"
        return {"type": "array", "items": one, "maxItems": MAX_VALUES}

    @property
    def splits(self) -> bool:
        """Whether a comma separates values."""
        return self._splits

    def clean(self, value: Any) -> list[str]:
        words = [word for given in value or () for word in (given.split(",") if self._splits else [given])]
        if len(words) > MAX_VALUES:
            raise forms.ValidationError(f"At most {MAX_VALUES} values.")
        if any(not word or len(word) > self._longest for word in words):
            raise forms.ValidationError(f"Values of 1 to {self._longest} characters.")
        wrong = next((word for word in words if self._pattern and not re.fullmatch(self._pattern, word)), "")
        if wrong:
            raise forms.ValidationError(f"{wrong[:40]} is no id of one.")
        among = self._among() if callable(self._among) else self._among
        if among is not None and not set(words) <= set(among):
            unknown = next(word for word in words if word not in among)
            raise forms.ValidationError(f"There is no {unknown[:40]}. {nearest(unknown, among)}".strip())
        return list(dict.fromkeys(words))


class AnyOfFilter(django_filters.Filter):
    """`?kind=http,tcp` or `?kind=http&kind=tcp`: rows with any of the values."""

    field_class = WordsField

    def filter(self, qs: QuerySet[Any], value: Sequence[str]) -> QuerySet[Any]:
        if not value:
            return qs
        if self.method is not None:
            return qs
        found = qs.filter(**{f"{self.field_name}__in": value})
        return found.distinct() if self.distinct else found


class NamedRowsFilter(AnyOfFilter):
    """Rows that belong to any of the named ones. A name that there is not is refused, as nothing would be found."""

    def __init__(self, model: type[models.Model], key: str = "public_id", noun: str = "", **options: Any) -> None:
        self._model, self._key, self._noun = model, key, noun or str(model._meta.verbose_name)
        self._of_team = any(field.name == "team" for field in model._meta.concrete_fields)
        super().__init__(**{"max_length": 40, **options})

    def filter(self, qs: QuerySet[Any], value: Sequence[str]) -> QuerySet[Any]:
        if not value:
            return qs
        named = self._model._default_manager.filter(**{f"{self._key}__in": value})
        if self._of_team:
            named = named.filter(team=team_of(self.parent.request))  # type: ignore[attr-defined]
        known = set(named.values_list(self._key, flat=True))
        unknown = next((word for word in value if word not in known), None)
        if unknown is not None:
            name = next(name for name, one in self.parent.filters.items() if one is self)  # type: ignore[attr-defined]
            raise ValidationError({name: [ErrorDetail(self._refusal(unknown), FieldCode.NO_SUCH_ROW.value)]})
        return super().filter(qs, value)

    def _refusal(self, unknown: str) -> str:
        reason = f"There is no {self._noun} {unknown}."
        if self._key.endswith("public_id"):
            return reason
        there_are = self._model._default_manager.order_by(self._key).values_list(self._key, flat=True).distinct()
        return f"{reason} {nearest(unknown, there_are[:_NAMED_MOST])}".strip()


class AllOfFilter(django_filters.Filter):
    """`?tag=a&tag=b`: rows whose list holds all of the values. A value may hold commas."""

    field_class = WordsField

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"splits": False, "label": _OPEN, **options})

    def filter(self, qs: QuerySet[Any], value: Sequence[str]) -> QuerySet[Any]:
        return qs.filter(**{f"{self.field_name}__contains": list(value)}) if value else qs


class SearchFilter(django_filters.CharFilter):
    """`?q=`: rows where any of the fields contains the text, in any case."""

    def __init__(self, fields: Sequence[str], **options: Any) -> None:
        self._fields = fields
        super().__init__(**{"max_length": MAX_LENGTH, **options})

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        if not value:
            return qs
        anywhere = Q()
        for field in self._fields:
            anywhere |= Q(**{f"{field}__icontains": value})
        return qs.filter(anywhere)


class _StrictBoolean(forms.Field):
    widget = _Given

    def clean(self, value: Any) -> bool | None:
        if not value:
            return None
        if len(value) > 1 or value[0].lower() not in BOOLEANS:
            raise forms.ValidationError("Either true or false.")
        return BOOLEANS[value[0].lower()]


class _Moment(IsoDateTimeField):
    def clean(self, value: Any) -> Any:
        moment = super().clean(value)
        if moment is not None and not is_storable(moment):
            raise forms.ValidationError(YEARS_IN_WORDS)
        return moment


class MomentFilter(django_filters.IsoDateTimeFilter):
    """A date and time that the database can compare."""

    field_class = _Moment


class StrictBooleanFilter(django_filters.BooleanFilter):
    """`true` or `false`; anything else is refused, since ignored it would show every row."""

    field_class = _StrictBoolean


def _choices(field: models.Field[Any, Any]) -> list[str]:
    return [str(value) for value, _ in field.flatchoices]


class ListFilters(django_filters.FilterSet):
    """Base of the filters of a list: what its fields become, unless a filter is named."""

    @classmethod
    def filter_for_lookup(cls, field: Any, lookup_type: str) -> tuple[Any, dict[str, Any]]:
        if isinstance(field, models.BooleanField):
            return StrictBooleanFilter, {}
        if isinstance(field, models.CharField):
            # Asked at each use: a plug-in may come after the first list was filtered.
            return AnyOfFilter, {"among": lambda: _choices(field)} if _choices(field) else {"label": _OPEN}
        found: tuple[Any, dict[str, Any]] = super().filter_for_lookup(field, lookup_type)
        return found


def common_filters(model: type[models.Model], options: Mapping[str, Any]) -> dict[str, django_filters.Filter]:
    """Filters that every list has where its rows can: by ids, by text, by the time of the last change.

    `options` are of the view: `lookup_field`, `lookup_value_regex`, `search` (fields of the text), `updated_field`.
    """
    fields = {field.name for field in model._meta.concrete_fields}
    found: dict[str, django_filters.Filter] = {}
    if str(options.get("lookup_field", "")).endswith("public_id"):
        pattern = str(options.get("lookup_value_regex") or "")
        label = "Those of these ids that there are."
        found["id"] = AnyOfFilter(field_name=options["lookup_field"], max_length=40, pattern=pattern, label=label)
    search = options.get("search") or (("name",) if "name" in fields else ())
    if search:
        found["q"] = SearchFilter(search, label=f"Text in {', '.join(name.split('__')[-1] for name in search)}.")
    updated = options.get("updated_field") or ("updated_at" if "updated_at" in fields else "")
    if updated:
        found["updated_after"] = MomentFilter(field_name=updated, lookup_expr="gt", label="Changed after this time.")
    return found
