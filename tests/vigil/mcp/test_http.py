"""The server over real HTTP: tokens, hosts, methods and bodies at the door, and clients of three protocol versions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any
from unittest.mock import AsyncMock

import httpx
import httpx2
import pytest
import uvicorn
from django.db import connections
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from probes.process.health import Health
from tests.vigil.api.caller import Api as Caller
from tests.waiting import until
from vigil.accounts.models import Scope
from vigil.accounts.teams import default_team
from vigil.guess_limits import SECRETS
from vigil.mcp import http
from vigil.mcp.http import BODY_MOST, McpApplication
from vigil.mcp.in_process import api_in_process

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server on a free port, over the API of this process."""
    # The threads of the server end with the test, and what they hold of the database is not to outlive them.
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)
    application = McpApplication(api_in_process(), ["127.0.0.1"], Health("mcp", stale_after_s=15))
    server = uvicorn.Server(uvicorn.Config(application, port=0, lifespan="on", log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/mcp"
    server.should_exit = True
    thread.join(30)
    SECRETS.forget()


def call(address: str, token: str, version: str, method: str = "tools/list", **params: Any) -> httpx.Response:
    """One request of a client of an older version, which has shaken hands before."""
    headers = {
        "Authorization": f"Bearer {token}", "MCP-Protocol-Version": version,
        "Accept": "application/json, text/event-stream",
    }  # fmt: skip
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return httpx.post(address, json=body, headers=headers, timeout=60)


async def listed(address: str, token: str, mode: str) -> tuple[str, set[str], Any]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(address, http_client=http), mode=mode) as client,
    ):
        tools = {tool.name for tool in (await client.list_tools()).tools}
        return client.protocol_version, tools, await client.call_tool("get_overview", {})


def test_clients_of_every_version_get_the_tools_of_their_token_over_http(address: str) -> None:
    reader, writer = Caller(default_team(), Scope.READ).plain, Caller(default_team()).plain
    for mode, version in (("legacy", "2025-11-25"), ("2026-07-28", "2026-07-28")):
        spoken, tools, overview = asyncio.run(listed(address, reader, mode))
        assert spoken == version and "silence" not in tools and "explain_state" in tools
        assert overview.structured_content["scopes"] == ["read"]
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}}
    begun = call(address, writer, "2025-06-18", "initialize", **hello).json()["result"]
    assert begun["protocolVersion"] == "2025-06-18" and "untrusted" in begun["instructions"]
    tools = call(address, writer, "2025-06-18").json()["result"]["tools"]
    assert "silence" in {tool["name"] for tool in tools}

    refused = call(address, "vgl_aaaaaaaa_wrong", "2025-11-25")
    assert refused.status_code == 401 and refused.headers["WWW-Authenticate"] == "Bearer"
    assert httpx.post(address, json={}).status_code == 401
    assert httpx.get(address).status_code == 405 and httpx.delete(address).status_code == 405
    assert httpx.get(address.removesuffix("mcp")).status_code == 404
    for headers, status in (({"Host": "evil.test"}, 421), ({"Origin": "https://evil.test"}, 403)):
        assert httpx.post(address, json={}, headers=headers).status_code == status
    long = httpx.post(
        address, content=b"[" * (BODY_MOST + 1),
        headers={"Authorization": f"Bearer {reader}", "Content-Type": "application/json", "Accept": "application/json"},
    )  # fmt: skip
    assert long.status_code == 413
    signed = {"Authorization": f"Bearer {reader}", "Content-Type": "application/json"}
    nested = httpx.post(address, content=b"[" * 100_000, headers=signed)
    assert nested.status_code in (400, 406)


@pytest.mark.parametrize("drips", [True, False], ids=["drips", "hangs"])
def test_a_body_that_does_not_end_costs_a_moment(monkeypatch: pytest.MonkeyPatch, drips: bool) -> None:
    monkeypatch.setattr(http, "BODY_S", 0.2)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0.01 if drips else 3600)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    application = McpApplication(api_in_process(), ["127.0.0.1"], Health("mcp", stale_after_s=15))
    monkeypatch.setattr(application, "_admitted", AsyncMock())
    scope = {"type": "http", "path": "/mcp", "method": "POST", "headers": [(b"host", b"127.0.0.1")], "client": None}
    asyncio.run(application(scope, receive, send))
    assert sent[0]["status"] == 408
