"""Database clock estimate: a steady clock plus an offset, also during database outages."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg

from probes.process.clocks.steady_clock import steady_ns, wall_offset_ns

EVERY_S = 10.0
DEADLINE_S = 2.0
RETRY_S = 2.0


class DatabaseClock:
    """Microseconds since 1970 on the database's clock; on this machine's until first synchronised. No later step of
    this machine's clock moves it."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._offset_us = wall_offset_ns() // 1000
        self.corrected = False

    def now_us(self) -> int:
        return steady_ns() // 1000 + self._offset_us

    async def run(self) -> None:
        """Synchronise every ten seconds until cancelled; keeps the last offset during an outage."""
        while True:
            try:
                async with asyncio.timeout(DEADLINE_S):
                    connection = await psycopg.AsyncConnection.connect(self._database_url, autocommit=True)
                async with connection:
                    while True:
                        async with asyncio.timeout(DEADLINE_S):
                            await self._correct(connection)
                        await asyncio.sleep(EVERY_S)
            except (psycopg.Error, TimeoutError, OSError):
                await asyncio.sleep(RETRY_S)

    async def _correct(self, connection: psycopg.AsyncConnection[Any]) -> None:
        asked_us = steady_ns() // 1000
        found = await connection.execute("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        row = await found.fetchone()
        answered_us = steady_ns() // 1000
        if row is not None:
            self._offset_us = int(row[0]) - (asked_us + answered_us) // 2
            self.corrected = True
