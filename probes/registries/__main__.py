"""Refresh of the list of RDAP servers: `python3 -m probes.registries FILE` writes IANA's newest list to FILE.

FILE is replaced whole or not at all, and only by a list that reads well. Point VIGIL_RDAP_SERVERS of the control plane
and of the workers at it, and restart them.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import httpx

from probes.net.dialer import Dialer, Resolver
from probes.net.guard import Egress
from probes.net.httpx_transport import GuardedTransport
from probes.registries import BYTES_MOST, BadList, parse

#: The address that RFC 9224 gives.
IANA = "https://data.iana.org/rdap/dns.json"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python3 -m probes.registries", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--source", default=IANA, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    try:
        text = asyncio.run(_fetched(args.source))
        names = len(parse(text))
        new = args.file.with_name(args.file.name + ".new")
        new.write_bytes(text)
        new.replace(args.file)
    except (httpx.HTTPError, BadList, OSError) as problem:
        sys.stderr.write(f"{args.file} is as it was: {problem}\n")
        return 1
    print(f"{args.file}: RDAP servers of {names} top-level domains")
    return 0


async def _fetched(source: str) -> bytes:
    # A local source is for tests and mirrors of one's own.
    egress = Egress.PUBLIC if source == IANA else Egress.PRIVATE
    resolver = Resolver()
    try:
        transport = GuardedTransport(Dialer(egress, resolver), body_limit=BYTES_MOST)
        async with httpx.AsyncClient(transport=transport, follow_redirects=True, timeout=30, trust_env=False) as client:
            return (await client.get(source)).raise_for_status().content
    finally:
        await resolver.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
