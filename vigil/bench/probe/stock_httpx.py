"""Baseline: checks with a stock `httpx.AsyncClient`, and CPU per check; a separate program.

One client and one TLS context for all, a fresh connection for each check as a monitor must have it, asyncio's own
loop, and as many at once as asked for. httpcore looks for the module `sniffio` at each request, which costs a search
of the whole path where it is not installed; it is spared that here.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import ssl
import sys
import time

import httpx

_WARM_UP = 50
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]


async def cost_us(url: str, checks: int, at_once: int) -> float:
    """CPU microseconds of this process per check; raises httpx.HTTPError when one fails."""
    context = ssl.create_default_context()
    async with httpx.AsyncClient(verify=context, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        await _look(client, url, _WARM_UP, at_once)
        begun = time.process_time()
        await _look(client, url, checks, at_once)
        return (time.process_time() - begun) / checks * 1e6


async def _look(client: httpx.AsyncClient, url: str, checks: int, at_once: int) -> None:
    left = iter(range(checks))

    async def one_after_another() -> None:
        for _ in left:
            response = await client.get(url)
            response.raise_for_status()

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m vigil.bench.probe.stock_httpx", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--checks", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=50)
    given = parser.parse_args()
    sys.stdout.write(json.dumps(asyncio.run(cost_us(given.url, given.checks, given.at_once))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
