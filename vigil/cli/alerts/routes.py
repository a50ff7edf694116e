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

    rows = [
        {
            "id": route.public_id,
            "name": route.name,
            "kinds": route.kinds,
            "tags": route.tags,
            "priorities": route.priorities,
            "default": route.default,
            "enabled": route.enabled,
            "tells": [channel.name for channel in route.channels.all()] + ([route.policy.name] if route.policy else []),
        }
        for route in Route.objects.select_related("policy").prefetch_related("channels").order_by("position", "id")
    ]
    if as_json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        asks = ", ".join([*row["kinds"], *row["priorities"], *row["tags"]]) or "what is paged"
        asks = "whatever no other matched" if row["default"] else asks
        off = "" if row["enabled"] else " [off]"
        print(f"{row['name']}{off}: {asks} -> {', '.join(row['tells']) or 'no one'}")
    if not rows:
        print("no routes: every channel is told of outages, degraded and account incidents, and heartbeats")
    return 0


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
