"""PostgreSQL LISTEN on the outbox: a hint that saves up to a second of polling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg

from vigil.alerts.outbox import HINT_CHANNEL
from vigil.configuration import configuration

MAX_BACKOFF_S = 10.0


async def listen(wake: Callable[[], None]) -> None:
    """Call `wake` for every hint until cancelled; reconnects when the connection is lost."""
    backoff_s = 0.5
    url = configuration().database_url.get_secret_value()
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as listening:
                await listening.execute(f"LISTEN {HINT_CHANNEL}")
                backoff_s = 0.5
                async for _ in listening.notifies():
                    wake()
        except (psycopg.Error, OSError):
            # Whatever it is: without hints, what is due is found a second later.
            await asyncio.sleep(backoff_s)
            backoff_s = min(MAX_BACKOFF_S, backoff_s * 2)
