"""Readers of a status page for benchmarks: connections that ask for one file as fast as answers come.

Run as `python -m vigil.bench.pages.readers PORT PATH SECONDS`; it prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import Any, cast

import uvloop

from vigil.bench.measure import percentile

CONNECTIONS = 32
#: Longest wait for answers that are under way in the end (s).
TAIL_S = 5.0
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class PageReads:
    """What all readers have seen."""

    def __init__(self, path: str, ends_s: float) -> None:
        self.request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip, br\r\n\r\n".encode()
        self.ends_s = ends_s
        self.took_s: list[float] = []
        self.refused = 0
        self.open = 0


class ReaderConnection(asyncio.Protocol):
    """One connection with one request in flight."""

    def __init__(self, reading: PageReads) -> None:
        self._reading = reading
        self._transport: asyncio.Transport | None = None
        self._head, self._left, self._asked_s = b"", -1, 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._reading.open += 1
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        self._reading.open -= 1

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._head)
            self._left = int(length[1]) if length else 0
            data = self._head[end + 4 :]
        self._left -= len(data)
        if self._left <= 0:
            self._answered()

    def _answered(self) -> None:
        now_s = time.perf_counter()
        if self._head.startswith(b"HTTP/1.1 200"):
            self._reading.took_s.append(now_s - self._asked_s)
        else:
            self._reading.refused += 1
        if now_s < self._reading.ends_s:
            self._ask()
        elif self._transport is not None:
            self._transport.close()

    def _ask(self) -> None:
        assert self._transport is not None
        self._head, self._left, self._asked_s = b"", -1, time.perf_counter()
        self._transport.write(self._reading.request)


async def read(port: int, path: str, seconds: float) -> dict[str, Any]:
    """Answers a second with status 200, their 99th percentile (ms), and how many were refused or broken."""
    loop, began_s = asyncio.get_running_loop(), time.perf_counter()
    reading = PageReads(path, began_s + seconds)
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: ReaderConnection(reading), "127.0.0.1", port)
    while reading.open and time.perf_counter() < reading.ends_s + TAIL_S:
        await asyncio.sleep(0.05)
    p99_s = percentile(reading.took_s, 0.99)
    return {
        "per_s": round(len(reading.took_s) / seconds, 1),
        "p99_ms": None if p99_s is None else round(p99_s * 1000, 2),
        "refused": reading.refused + reading.open,
    }


def main(port: str, path: str, seconds: str) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(read(int(port), path, float(seconds)))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
