"""Lossy link: while it is cut nothing passes and nobody is told; once mended, what waits passes; a delay delays."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from vigil.bench.soak.lossy_link import Loss, LossyLink

Ask = Callable[[bytes], Coroutine[Any, Any, bytes]]
DELAY_S = 0.05


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
    writer.close()


def linked(story: Callable[[LossyLink, Ask], Awaitable[None]]) -> None:
    """Tell a story of a link to a server that repeats each line."""

    async def told() -> None:
        async with await asyncio.start_server(_echo, "127.0.0.1", 0) as server:
            link = LossyLink(server.sockets[0].getsockname()[1], Loss(0.0))
            await link.open()
            reader, writer = await asyncio.open_connection("127.0.0.1", link.port)

            async def ask(line: bytes) -> bytes:
                writer.write(line)
                return await reader.readline()

            try:
                await story(link, ask)
            finally:
                writer.close()
                await link.close()

    asyncio.run(asyncio.wait_for(told(), 30))


def test_what_is_sent_while_it_is_cut_comes_once_it_is_mended() -> None:
    async def story(link: LossyLink, ask: Ask) -> None:
        assert await ask(b"before\n") == b"before\n"
        link.cut()
        asked = asyncio.create_task(ask(b"meanwhile\n"))
        done, _ = await asyncio.wait([asked], timeout=0.1)
        assert not done and not link.resets
        link.mend()
        assert await asked == b"meanwhile\n"

    linked(story)


def test_a_connection_made_while_it_is_cut_waits() -> None:
    async def story(link: LossyLink, ask: Ask) -> None:
        link.cut()
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        writer.write(b"new\n")
        link.mend()
        assert await reader.readline() == b"new\n"
        writer.close()

    linked(story)


def test_a_delay_counts_once_each_way() -> None:
    async def story(link: LossyLink, ask: Ask) -> None:
        link.delay_s = DELAY_S
        began_s = time.monotonic()
        assert await ask(b"slowly\n") == b"slowly\n"
        assert time.monotonic() - began_s >= 2 * DELAY_S

    linked(story)
