"""List monitors with their status, here or on another installation.

  manage.py monitors                             every monitor
  manage.py monitors --status down --tag prod    those that are down and tagged prod
  VIGIL_URL=https://vigil.example VIGIL_TOKEN=vgl_... vigil monitors      from any machine

The exit code is 0 when the list could be read. With --fail-on down it is 1 when a listed monitor is down.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import msgspec

from vigil.cli.remote.connection import add_options, api
from vigil.cli.table import aligned
from vigil.client import calls
from vigil.client.models import Monitor

_STATUSES = ("up", "degraded", "down", "unknown", "paused")


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", choices=_STATUSES, help="only monitors with this status")
    parser.add_argument("--tag", help="only monitors with this tag")
    parser.add_argument("--kind", help="only monitors of this kind, such as http")
    parser.add_argument("--fail-on", choices=_STATUSES, action="append", default=[], help="exit with 1 for this status")
    add_options(parser)


def run(args: argparse.Namespace) -> int:
    # A paused monitor keeps its last status.
    filters: dict[str, Any] = {name: value for name in ("tag", "kind") if (value := getattr(args, name))}
    if args.status:
        filters |= {"paused": True} if args.status == "paused" else {"status": args.status, "paused": False}
    with api(args.data_dir) as vigil:
        found = list(vigil.each(calls.monitors(**filters, limit=200)))
    if args.json:
        print(json.dumps(msgspec.to_builtins(found)))
    else:
        print(aligned([_row(monitor) for monitor in found]) if found else "no monitor fits")
    return 1 if any(monitor.status in args.fail_on for monitor in found) else 0


def _row(monitor: Monitor) -> dict[str, Any]:
    return {
        "id": monitor.id,
        "name": monitor.name,
        "status": monitor.status,
        "every_s": monitor.interval_s,
        "regions": monitor.regions,
        "target": monitor.target,
    }
