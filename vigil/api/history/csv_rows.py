"""Rows as CSV (RFC 4180), safe for spreadsheets: no cell that a stranger wrote is taken for a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from unicodedata import normalize

from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer

#: What makes a spreadsheet run a cell.
_FORMULA = ("=", "+", "-", "@")


class CSVRenderer(BaseRenderer):
    """Names the format in negotiation: `?format=csv`, or `Accept: text/csv`. Views that offer it answer themselves."""

    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else str(data).encode()


def answer(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], name: str, following: str = "") -> Any:
    """A download of rows; `following` is the address of the next page, given as a Link header."""
    found = StreamingHttpResponse(lines(columns, rows), content_type="text/csv; charset=utf-8; header=present")
    found["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    if following:
        found["Link"] = f'<{following}>; rel="next"'
    return found


def lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The head and each row as one line of CSV."""
    writer = csv.writer(_Line())
    yield writer.writerow(columns)  # type: ignore[misc]
    for row in rows:
        yield writer.writerow([cell(row.get(column)) for column in columns])  # type: ignore[misc]


def cell(value: Any) -> str:
    """A cell; a text that would begin a formula is quoted by an apostrophe, as spreadsheets do it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    # Wide forms of these characters are taken for them too, and so is what follows blanks.
    if isinstance(value, str) and normalize("NFKC", value.lstrip()[:1]).startswith(_FORMULA):
        return f"'{value}"
    return str(value)


class _Line:
    """A file that gives each line back to the writer's caller."""

    def write(self, line: str) -> str:
        return line
