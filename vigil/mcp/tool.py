"""Tool of the MCP server: a function over the API, the scope that it needs, and what it does to the installation."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, get_type_hints

import msgspec

from vigil.mcp.api import CallerApi
from vigil.mcp.core.schemas import arguments_of, schema_of


class ToolScope(StrEnum):
    """Scope of a token that a tool needs: one of those of the API, by the same name."""

    READ = "read"
    RESPOND = "respond"
    PUBLISH = "publish"
    WRITE = "write"


class ToolEffect(StrEnum):
    """What a call of a tool does, as its annotations say."""

    READS = "reads"
    ADDS = "adds"
    CHANGES = "changes"


@dataclass(frozen=True)
class Tool:
    """A tool. `run` takes the API and the arguments, and answers with a struct; its docstring is the description.

    A tool that is not `closed` makes regions send requests to targets.
    """

    run: Callable[[CallerApi, Any], msgspec.Struct]
    scope: ToolScope = ToolScope.READ
    effect: ToolEffect = ToolEffect.READS
    is_idempotent: bool = True
    closed: bool = True

    @cached_property
    def description(self) -> str:
        return inspect.cleandoc(self.run.__doc__ or "")

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        return schema_of(self._types[0])

    @cached_property
    def output_schema(self) -> dict[str, Any]:
        return schema_of(self._types[1])

    def call(self, api: CallerApi, arguments: Any) -> msgspec.Struct:
        """Run it. Raises `ArgumentsRefused`, and `ApiError` and `Unreachable` of the client."""
        return self.run(api, arguments_of(arguments, self._types[0]))

    @cached_property
    def _types(self) -> tuple[type[msgspec.Struct], type[msgspec.Struct]]:
        hints = get_type_hints(self.run, include_extras=True)
        answer = hints.pop("return")
        return list(hints.values())[1], answer
