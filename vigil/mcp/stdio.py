"""MCP over standard input and output: one caller, whose assistant starts this process and ends it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mcp.server.stdio import stdio_server

from vigil.mcp.api import CallerApi
from vigil.mcp.server import AssistantCaller, build_server, scopes_of

THREADS = 4


def serve_stdio(api: CallerApi) -> None:
    """Serve until standard input ends. Raises `ApiError` and `Unreachable` where the token is not taken."""
    caller = AssistantCaller(api, scopes_of(api))
    asyncio.run(_serve(caller))


async def _serve(caller: AssistantCaller) -> None:
    def the_caller(request: Any) -> AssistantCaller:
        return caller

    threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mcp")
    server = build_server(the_caller, threads)
    try:
        async with stdio_server() as (reads, writes):
            await server.run(reads, writes, server.create_initialization_options())
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
