"""List the status feeds of providers, or switch them on and off. All are off at first.

  manage.py feeds
  manage.py feeds --on openai anthropic
  manage.py feeds --off openai

A feed that is on is read once a minute. It sends no alert: an incident shows whether the provider has declared one too,
and who was first.
"""

from __future__ import annotations

import argparse
import json

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", nargs="+", metavar="PROVIDER", default=[], help="read the feeds of these providers")
    parser.add_argument(
        "--off", nargs="+", metavar="PROVIDER", default=[], help="stop reading the feeds of these providers"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    connect()

    from vigil.feeds.core.catalogue import SOURCES
    from vigil.feeds.witnesses import feed_rows, switch

    unknown = sorted({*args.on, *args.off} - SOURCES.keys())
    if unknown:
        raise CommandError(f"there is no feed of {unknown[0]!r}; there are {', '.join(sorted(SOURCES))}")
    switch(args.on, True)
    switch(args.off, False)
    rows = feed_rows()
    if args.json:
        print(json.dumps(rows, indent=2))
        return 0
    width = max(len(row["provider"]) for row in rows)
    for row in rows:
        print(f"{row['provider']:<{width}}  {row['state']}")
    return 0
