"""Database thread of an asynchronous process: its queries run one after another, on one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import close_old_connections, connection

T = TypeVar("T")


class DatabaseThread:
    """One thread with one connection to PostgreSQL. What the work raises is raised to the caller."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def query(self, work: Callable[[], T]) -> T:
        """Run `work` on a connection that is tested first, and dropped if PostgreSQL was restarted."""

        def with_connection() -> T:
            close_old_connections()
            return work()

        return await self.call(with_connection)

    async def call(self, work: Callable[[], T]) -> T:
        """Run `work` in the thread as it is."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def close(self) -> None:
        await self.call(lambda: connection.close())
        self._executor.shutdown(wait=False)
