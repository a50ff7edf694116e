"""An answer holds as many rows as fit; JSON Schemas have an object at their root and refuse what they do not know."""

from __future__ import annotations

import msgspec
import pytest

from vigil.mcp.core.bounds import AnswerTooLong, fitting, size_of
from vigil.mcp.core.schemas import ArgumentsRefused, arguments_of, schema_of


class Rows(msgspec.Struct, frozen=True):
    rows: list[str]
    left: int


class Inner(msgspec.Struct, frozen=True):
    name: str


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: int = 3
    inner: Inner | None = None


def rows(count: int) -> Rows:
    return Rows(["x" * 100] * count, 50 - count)


def test_all_rows_are_shown_where_they_fit() -> None:
    assert fitting(rows, 5, 2_000) == rows(5)


@pytest.mark.parametrize("most", [130, 500, 1_999])
def test_the_most_rows_that_fit_are_shown(most: int) -> None:
    found = fitting(rows, 50, most)
    assert size_of(found) <= most < size_of(rows(len(found.rows) + 1))


def test_what_does_not_fit_without_any_row_is_an_error() -> None:
    with pytest.raises(AnswerTooLong):
        fitting(rows, 50, 10)


def test_a_schema_has_an_object_at_its_root_and_its_parts_beside() -> None:
    found = schema_of(Wanted)
    assert (found["type"], found["additionalProperties"], found["required"]) == ("object", False, [])
    assert list(found["$defs"]) == ["Inner"] and "$defs" not in schema_of(Inner)


@pytest.mark.parametrize("given", [{"limit": "three"}, {"bogus": 1}, [1], "x", {"inner": {"name": None}}])
def test_arguments_that_do_not_fit_are_refused_with_what_is_taken(given: object) -> None:
    with pytest.raises(ArgumentsRefused, match=r"It takes: limit, inner\."):
        arguments_of(given, Wanted)


def test_no_arguments_are_the_defaults() -> None:
    assert arguments_of(None, Wanted) == Wanted()
