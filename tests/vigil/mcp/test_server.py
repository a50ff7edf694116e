"""The server as a client sees it, in memory: tools by scope, schemas, errors, in every version of the protocol."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jsonschema
import pytest
from mcp.client.client import Client
from mcp.shared.exceptions import MCPError

from vigil.accounts.models import Scope
from vigil.mcp.api import CallerApi
from vigil.mcp.server import AssistantCaller, build_server
from vigil.mcp.tool import ToolEffect, ToolScope
from vigil.mcp.tools import TOOLS, TOOLS_MOST

READ, WRITE = frozenset({"read"}), frozenset({"read", "write", "respond", "publish"})
WRITE_TOOLS = {name for name, tool in TOOLS.items() if tool.effect is not ToolEffect.READS}
#: The handshake of 2025-11-25 and before, and the versions without one.
MODES = ("legacy", "2026-07-28", "auto")


def answers(request: httpx.Request) -> httpx.Response:
    """An installation without a row; monitors have trouble of their own."""
    assert request.headers["Authorization"] == "Bearer vgl_x" and request.headers["X-Vigil-Via"] == "mcp"
    if request.url.path.endswith("/regions"):
        return httpx.Response(200, json={"results": [], "next": None})
    if request.url.path.endswith(("/me", "/states")):
        return httpx.Response(200, json={"unexpected": "secret"})
    return httpx.Response(404, json={"title": "Not found", "detail": "There is no such row."})


def asked(scopes: frozenset[str], mode: str, *calls: tuple[str, dict[str, Any]]) -> tuple[list[Any], list[Any]]:
    """Tools that are listed, and the results of calls."""

    async def ask() -> tuple[list[Any], list[Any]]:
        api = CallerApi("https://vigil.test", "vgl_x", httpx.MockTransport(answers))
        with ThreadPoolExecutor(1) as threads:
            server = build_server(lambda request: AssistantCaller(api, scopes), threads)
            async with Client(server, mode=mode) as client:
                return (await client.list_tools()).tools, [await client.call_tool(*call) for call in calls]

    return asyncio.run(ask())


@pytest.mark.parametrize("mode", MODES)
def test_a_read_token_is_shown_no_tool_that_writes_and_cannot_call_one(mode: str) -> None:
    tools, (regions, refused) = asked(READ, mode, ("list_regions", {}), ("add_note", {}))
    assert {tool.name for tool in tools} == set(TOOLS) - WRITE_TOOLS
    assert regions.structured_content == {"regions": [], "more": None, "link": "https://vigil.test/regions"}
    assert json.loads(regions.content[0].text) == regions.structured_content
    assert refused.is_error and refused.content[0].text == (
        "add_note needs the scope `respond`, which this token does not have."
    )


def test_every_tool_has_schemas_annotations_and_a_scope_of_the_api() -> None:
    tools, _ = asked(WRITE, "auto")
    assert {tool.name for tool in tools} == set(TOOLS) and len(tools) <= TOOLS_MOST
    assert len(WRITE_TOOLS) == 8 and {scope.value for scope in ToolScope} <= {scope.value for scope in Scope}
    for tool in tools:
        for schema in (tool.input_schema, tool.output_schema):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object", tool.name
        assert tool.input_schema["additionalProperties"] is False
        assert tool.description and len(tool.description) < 400, tool.name
        assert tool.annotations.read_only_hint is (tool.name not in WRITE_TOOLS)
        assert not (tool.annotations.read_only_hint and tool.annotations.destructive_hint)


def test_a_fault_of_ours_is_told_without_what_it_says() -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(MCPError, match=r"^Vigil failed at get_overview"), flatten_subgroups=True):
        asked(READ, "auto", ("get_overview", {}))


def test_a_token_without_scopes_is_shown_nothing() -> None:
    assert asked(frozenset(), "auto")[0] == []


def test_what_is_refused_is_an_error_that_a_model_can_read() -> None:
    _, (unknown, wrong, many) = asked(
        WRITE, "auto", ("get_incident", {"incident": "inc_1"}), ("get_incident", {"incident": "../me"}),
        ("list_regions", {"limit": 51}),
    )  # fmt: skip
    assert unknown.is_error and unknown.content[0].text == "404: There is no such row."
    assert wrong.is_error and "matching regex" in wrong.content[0].text
    assert many.is_error and "It takes: limit, cursor." in many.content[0].text


def test_a_tool_that_is_not_there_is_an_error_of_the_protocol() -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(MCPError, match=r"There is no tool drop_table\."), flatten_subgroups=True):
        asked(WRITE, "auto", ("drop_table\u200b", {}))
