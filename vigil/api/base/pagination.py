"""Cursor pagination by sort keys: rows that are added or deleted neither repeat nor hide others."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, reduce
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.conf import settings
from django.core.exceptions import ValidationError as InvalidValue
from django.db.models import DateTimeField, Field, Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from vigil.api.base.errors import InvalidCursor
from vigil.configuration import configuration
from vigil.strict_json import InputProblem, check_text

MAX_CURSOR, MAX_SORT_KEYS = 2_000, 3
#: Names that a list may be sorted by where its rows have them; a view's `sorts` says otherwise.
_USUAL = ("name", "position", "created_at", "updated_at", "opened_at", "begun_at", "last_at")
SORT = "sort"


@dataclass(frozen=True, slots=True)
class SortKey:
    """A key of the order: the path of its column, and whether it falls."""

    path: str
    falls: bool

    @property
    def ordering(self) -> str:
        return f"-{self.path}" if self.falls else self.path

    def of(self, row: Any) -> Any:
        return reduce(getattr, self.path.split("__"), row)


class PageByCursor(CursorPagination):
    """`?limit=` up to 200 and `?sort=`; `next` and `previous` are full addresses.

    A cursor holds the sort and the keys of a row, and the last key is always the primary key: rows after it are found
    by comparison, never by counting. It is sealed: keys and counts of rows stay inside.
    """

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = "-pk"
    _next = _previous = _address = ""

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        # Behind a proxy the request came for another host and without TLS.
        self.request, self._address = request, configuration().base_url + request.get_full_path()
        limit = self.get_page_size(request)
        sort = str(request.query_params.get(SORT) or getattr(view, "default_sort", ""))
        keys = sort_keys(sort, sorts_of(view, queryset), str(self.ordering))
        backward, values = self._cursor(request, sort, queryset, keys)
        if values:
            queryset = queryset.filter(_beyond(keys, values, backward))
        ordered = [SortKey(key.path, key.falls != backward).ordering for key in keys]
        rows = list(queryset.order_by(*ordered)[: limit + 1])
        more, self.page = len(rows) > limit, rows[:limit]
        if backward:
            self.page.reverse()
        if self.page:
            if more or backward:
                self._next = _encoded(sort, False, [key.of(self.page[-1]) for key in keys])
            if (more and backward) or (values and not backward):
                self._previous = _encoded(sort, True, [key.of(self.page[0]) for key in keys])
        return self.page

    def get_page_size(self, request: Request) -> int:
        """The limit of the request; raises `ValidationError` where it is no number within the bounds."""
        text = request.query_params.get(self.page_size_query_param, str(self.page_size))
        if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= self.max_page_size):
            raise ValidationError({self.page_size_query_param: [f"A whole number from 1 to {self.max_page_size}."]})
        return int(text)

    def get_next_link(self) -> str | None:
        return replace_query_param(self._address, self.cursor_query_param, self._next) if self._next else None

    def get_previous_link(self) -> str | None:
        return replace_query_param(self._address, self.cursor_query_param, self._previous) if self._previous else None

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        # Pages of an action have the order of that action.
        is_list = getattr(view, "action", "") == "list" and getattr(view, "queryset", None) is not None
        named = sorted(sorts_of(view, view.queryset)) if is_list else []
        sort = {
            "name": SORT,
            "required": False,
            "in": "query",
            "description": f"Order: {', '.join(named)}, each with `-` before it to fall. At most {MAX_SORT_KEYS}.",
            "schema": {"type": "string"},
        }
        paging = super().get_schema_operation_parameters(view)
        for parameter in paging:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] = {"type": "integer", "minimum": 1, "maximum": self.max_page_size}
        return [*paging, *([sort] if named else [])]

    def _cursor(
        self, request: Request, sort: str, queryset: QuerySet[Any], keys: Sequence[SortKey]
    ) -> tuple[bool, list[Any]]:
        text = request.query_params.get(self.cursor_query_param)
        if text is None:
            return False, []
        try:
            made_for, backward, *values = json.loads(
                _seal().decrypt(base64.b64decode(text[:MAX_CURSOR], b"-_", validate=True), None)
            )
            read = [_read(_field(queryset, key.path), value) for key, value in zip(keys, values, strict=True)]
        except (InvalidTag, ValueError, TypeError, InvalidValue, InputProblem, OverflowError, RecursionError):
            made_for, backward, read = None, False, [None]
        if made_for != sort or not isinstance(backward, bool) or None in read:
            raise InvalidCursor
        return backward, read


def sorts_of(view: Any, queryset: QuerySet[Any]) -> dict[str, str]:
    """Names that a list may be sorted by, and their columns: a closed list, none of which may be null."""
    own = getattr(view, "sorts", None)
    if own is not None:
        return dict(own)
    fields = {field.name for field in queryset.model._meta.concrete_fields if not field.null}
    return {name: name for name in _USUAL if name in fields}


def sort_keys(sort: str, named: dict[str, str], default: str) -> tuple[SortKey, ...]:
    """Keys of `name,-created_at`, ended by the primary key; raises `ValidationError` for any other name."""
    words = [word for word in sort.split(",")[: MAX_SORT_KEYS + 1] if word]
    names = [word.removeprefix("-") for word in words]
    if len(words) > MAX_SORT_KEYS or len(set(names)) < len(names) or not set(names) <= named.keys():
        there_are = f"One to {MAX_SORT_KEYS} of {', '.join(sorted(named))}, each once." if named else "There is none."
        raise ValidationError({SORT: [there_are]})
    keys = [SortKey(named[name], word.startswith("-")) for name, word in zip(names, words, strict=True)]
    last = SortKey("pk", keys[-1].falls if keys else default.startswith("-"))
    return (*keys, last)


def _beyond(keys: Sequence[SortKey], values: Sequence[Any], backward: bool) -> Q:
    found = Q()
    for place, key in enumerate(keys):
        side = "lt" if key.falls != backward else "gt"
        same = {before.path: value for before, value in zip(keys[:place], values, strict=False)}
        found |= Q(**same, **{f"{key.path}__{side}": values[place]})
    first = keys[0]
    # Implied by the rest; it lets an index begin at the row.
    return found & Q(**{f"{first.path}__{'lte' if first.falls != backward else 'gte'}": values[0]})


def _field(queryset: QuerySet[Any], path: str) -> Field[Any, Any]:
    model: Any = queryset.model
    *through, last = path.split("__")
    for name in through:
        model = model._meta.get_field(name).related_model
    field: Field[Any, Any] = model._meta.pk if last == "pk" else model._meta.get_field(last)
    return field if field.remote_field is None else field.target_field  # type: ignore[attr-defined]


def _read(field: Field[Any, Any], value: Any) -> Any:
    """A key of a cursor as the column has it; raises `ValueError` and its like where it can be none."""
    if not isinstance(value, str | int):
        raise TypeError
    if isinstance(field, DateTimeField):
        moment = datetime.fromisoformat(str(value))
        return moment.astimezone(UTC) if moment.tzinfo else None
    check_text(str(value))
    return field.to_python(value)


def _encoded(sort: str, backward: bool, values: Sequence[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    plain_text = json.dumps([sort, backward, *plain], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_seal().encrypt(plain_text, None)).decode()


@cache
def _seal() -> AESSIV:
    """The same cursor is sealed to the same text, so that the tag of a page stays."""
    return AESSIV(hashlib.blake2b(settings.SECRET_KEY.encode(), person=b"vigil cursor").digest())
