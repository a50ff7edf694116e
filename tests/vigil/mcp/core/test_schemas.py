"""Arguments of tools as models and their clients write them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest

from vigil.mcp.api import ToolArguments
from vigil.mcp.core.schemas import ArgumentsRefused, arguments_of


class Asked(ToolArguments, frozen=True):
    name: str
    kind: Literal["5", "a"] = "a"
    limit: Annotated[int, msgspec.Meta(ge=1, le=50)] = 8
    prune: bool = False
    tags: list[str] = []
    document: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"name": "5", "kind": "5"}, Asked("5", "5")),
        ({"name": "x", "limit": "5", "prune": "true"}, Asked("x", limit=5, prune=True)),
        ({"name": "x", "limit": 5.0}, Asked("x", limit=5)),
        ({"name": "x", "limit": None, "tags": None}, Asked("x")),
        ({"name": "x", "tags": '["a"]', "document": '{"v": 1}'}, Asked("x", tags=["a"], document={"v": 1})),
        ({"name": '{"a": 1}'}, Asked('{"a": 1}')),
    ],
)
def test_what_a_value_can_only_mean_is_taken(given: dict[str, Any], taken: Asked) -> None:
    assert arguments_of(given, Asked) == taken


@pytest.mark.parametrize(
    "given",
    [
        {"name": None}, {"name": 5}, {"name": "x", "limit": 5.5}, {"name": "x", "limit": "many"},
        {"name": "x", "limit": "51"}, {"name": "x", "limit": float("inf")}, {"name": "x", "tags": "a"},
        {"name": "x", "document": "[" * 100_000}, {"name": "x", "unknown": None}, ["x"], "x", {},
        {"name": "\ud800"}, {"name": "\x00"}, {"name": "x", "document": {"a": float("nan")}},
        {"name": "x", "document": {"a": 10**30}}, {"name": "x", "document": '{"a": "\\ud800"}'},
        {"name": "x", "document": '{"a": NaN}'},
    ],
)  # fmt: skip
def test_all_else_is_refused_with_what_the_tool_takes(given: Any) -> None:
    with pytest.raises(ArgumentsRefused, match="It takes: name, kind, limit"):
        arguments_of(given, Asked)
