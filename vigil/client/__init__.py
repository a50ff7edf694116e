"""Client of the REST API: typed calls, and a sender for plain code and one for asyncio.

    from vigil.client import Vigil, calls

    with Vigil("https://vigil.example", token) as vigil:
        for monitor in vigil.each(calls.monitors(status="down")):
            print(monitor.name, monitor.status)
        vigil.send(calls.acknowledge("inc_4kq7..."))

A call is a value that says what to request; `Vigil` and `AsyncVigil` send the same calls. It needs httpx and msgspec,
and nothing else of Vigil.
"""

from __future__ import annotations

from vigil.client.answers import ApiError, Unreachable
from vigil.client.senders import AsyncVigil, Vigil

__all__ = ["ApiError", "AsyncVigil", "Unreachable", "Vigil"]
