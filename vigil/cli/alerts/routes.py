"""List the routes, or create the starter routes.

  manage.py routes list       the routes in order: what each one matches, and its channels
  manage.py routes typical    AI API failures to PagerDuty; heartbeats to PagerDuty or Slack, by priority

`typical` reads two keys from VIGIL_PAGERDUTY_ROUTING_KEY and VIGIL_SLACK_URL, or asks for them, so that they stay out
of the shell's history. Run it again with other keys to change only the keys. `manage.py whom` shows the effect.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from typing import Any

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|typical")
    listing = actions.add_parser("list", help="list the routes in order")
    typical = actions.add_parser("typical", help="create the starter routes")
    for action in (listing, typical):
        action.add_argument("--json", action="store_true", help="print JSON instead")
        action.add_argument("--data-dir", help="the data folder of the running `up`")


def run(args: argparse.Namespace) -> int:
    connect(args.data_dir)
    return _list(args.json) if args.action == "list" else _typical(args.json)


def _list(as_json: bool) -> int:
    from vigil.alerts.models import Route

    # A default route is tried when no other matched, whatever its position.
    ordered = Route.objects.order_by("default", "position", "id")
    found = ordered.select_related("policy", "monitor").prefetch_related("channels")
    rows = [
        {
            "id": route.public_id,
            "name": route.name,
            "position": route.position,
            "kinds": route.kinds,
            "severities": route.severities,
            "priorities": route.priorities,
            "tags": route.tags,
            "monitor": route.monitor.name if route.monitor else "",
            "default": route.default,
            "enabled": route.enabled,
            "tells": [channel.name for channel in route.channels.all()] + ([route.policy.name] if route.policy else []),
        }
        for route in found
    ]
    if as_json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        asks = "whatever no other route matched" if row["default"] else _conditions(row)
        off = "" if row["enabled"] else " [off]"
        print(f"{row['name']}{off}: {asks} -> {', '.join(row['tells']) or 'no one'}")
    if not rows:
        print("no routes: every channel is told of outages, degraded and account incidents, and heartbeats")
    return 0


def _conditions(row: dict[str, Any]) -> str:
    """What a route asks for, each condition by name."""
    shown = ("kinds", "severities", "priorities", "tags")
    parts = [f"{name} {', '.join(row[name])}" for name in shown if row[name]]
    parts += [f"monitor {row['monitor']}"] if row["monitor"] else []
    return "; ".join(parts) or "everything that pages"


def _typical(as_json: bool) -> int:
    from django.core.exceptions import ValidationError

    from vigil.accounts.teams import default_team
    from vigil.alerts.routing.starter_routes import arrange_typical

    routing_key = _secret("VIGIL_PAGERDUTY_ROUTING_KEY", "PagerDuty's routing key")
    slack_url = _secret("VIGIL_SLACK_URL", "address of Slack's incoming webhook")
    try:
        arranged = arrange_typical(default_team(), routing_key, slack_url)
    except ValidationError as refused:
        raise CommandError(" ".join(refused.messages)) from None
    if as_json:
        print(json.dumps({"created": arranged.created, "changed": arranged.changed}))
        return 0
    for word, names in (("made", arranged.created), ("set", arranged.changed)):
        for name in names:
            print(f"{word} {name}")
    return 0


def _secret(variable: str, words: str) -> str:
    found = os.environ.get(variable, "").strip()
    if not found and sys.stdin.isatty():
        found = getpass.getpass(f"{words}: ").strip()
    if not found:
        raise CommandError(f"{variable} is not set: it holds the {words}")
    return found
