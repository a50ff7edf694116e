"""Address cache: known ping addresses with their keywords, and a rate limit on unknown ones.

An unknown address gets the same answer as a known one. Its pings are written too, since the heartbeat may have been
created a second ago, but rate-limited: guessed addresses must not fill the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import psycopg
import structlog

from vigil.heartbeats.core.pings.wire import Address
from vigil.heartbeats.core.rate_limit import Rates

log = structlog.get_logger()

CHANNEL = "vigil_pings"
REREAD_S = 60.0
TOGETHER_S = 0.2
RETRY_S = 1.0
DEADLINE_S = 10.0
#: Unknown addresses: burst, and rate per second.
UNKNOWN_BURST, UNKNOWN_PER_S = 500.0, 50.0
_WORDS = """
    SELECT h.code::text, coalesce(t.key, '') || '/' || h.slug, h.keywords
    FROM heartbeats_heartbeat h LEFT JOIN heartbeats_teampings t ON t.team_id = h.team_id WHERE h.keywords <> '{}'
"""
_NAMES = "SELECT code::text FROM heartbeats_heartbeat UNION ALL SELECT key FROM heartbeats_teampings"


class AddressCache:
    """Codes of heartbeats and keys of teams; until first loaded, every address counts as known."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self.names: frozenset[str] | None = None
        self._words: Mapping[str, tuple[bytes, ...]] = {}
        self.strangers = Rates(UNKNOWN_BURST, UNKNOWN_PER_S, 1)

    def knows(self, address: Address) -> bool:
        """Whether this address exists, as far as is known."""
        return self.names is None or (address.code or address.key) in self.names

    def words_of(self, address: Address) -> tuple[bytes, ...]:
        """Keywords of the heartbeat at this address, as far as is known."""
        return self._words.get(address.code or f"{address.key}/{address.slug}", ())

    def admits(self, address: Address, now_s: float) -> bool:
        """Whether to write a ping to this address."""
        return self.knows(address) or not self.strangers.admit("", now_s)

    async def run(self) -> None:
        """Load now, and on every NOTIFY of PostgreSQL, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(DEADLINE_S):
                    connection = await psycopg.AsyncConnection.connect(self._database_url, autocommit=True)
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    await self._follow(connection)
            except (psycopg.Error, TimeoutError, OSError) as error:
                log.info("addresses.not_read", error=type(error).__name__)
            await asyncio.sleep(RETRY_S)

    async def _follow(self, connection: psycopg.AsyncConnection[Any]) -> None:
        while True:
            async with asyncio.timeout(DEADLINE_S):
                found = await connection.execute(_NAMES)
                self.names = frozenset(row[0] for row in await found.fetchall())
                found = await connection.execute(_WORDS)
                self._words = {
                    name: words
                    for *names, rules in await found.fetchall()
                    if (words := _words(rules))
                    for name in names
                }
            async for _ in connection.notifies(timeout=REREAD_S, stop_after=1):
                pass
            # Changes come in bursts, and one packet may hold many: wait once for the rest, not once for each.
            await asyncio.sleep(TOGETHER_S)


def _words(rules: Mapping[str, Any]) -> tuple[bytes, ...]:
    listed = [word for kind in ("fail", "success", "start") for word in rules.get(kind) or ()]
    return tuple(dict.fromkeys(str(word).encode("utf-8", "replace") for word in listed))
