"""Playback of recorded results: sends each entry at its moment, and does nothing else."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from redis.asyncio import Connection, Redis

from vigil.bench.scale.recording import COMPLETE, HEAD

_POLL_S = 0.25
_ANSWER_S = 10.0

Sent = Callable[[int, int], object]
"""Takes how late an entry was sent (ms), and how many results it has."""


async def play(client: Redis, folder: Path, sent: Sent) -> None:
    """Wait for a complete recording in the folder, then send it. Raises `redis.RedisError`."""
    while not (folder / COMPLETE).exists():
        await asyncio.sleep(_POLL_S)
    connection: Connection = await client.connection_pool.get_connection()
    try:
        files = [path for path in sorted(folder.iterdir()) if path.name != COMPLETE]
        for at_ms, results, commands in heapq.merge(*map(_read, files), key=lambda entry: entry[0]):
            await asyncio.sleep(max(0.0, at_ms / 1000 - time.time()))
            await connection.send_packed_command(commands)
            sent(max(0, int(time.time() * 1000) - at_ms), results)
            for _ in ("XADD", "HSET"):
                await connection.read_response(timeout=_ANSWER_S)
    finally:
        await client.connection_pool.release(connection)


def _read(path: Path) -> Iterator[tuple[int, int, bytes]]:
    with path.open("rb") as file:
        while head := file.read(HEAD.size):
            at_ms, results, size = HEAD.unpack(head)
            yield at_ms, results, file.read(size)
