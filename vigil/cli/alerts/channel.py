"""List channels and the settings of each kind, or send a test message.

  manage.py channel kinds              the settings and secrets of every kind; `kinds slack` for one
  manage.py channel list               all channels, and whether they are enabled
  manage.py channel test "Ops Slack"   send a test message now and print the receiver's answer

`test` takes a channel's name or id. The exit code is 1 when the receiver did not accept the message.
"""

from __future__ import annotations

import argparse
import dataclasses
import json

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="kinds|list|test")
    kinds = actions.add_parser("kinds", help="list the settings and secrets of each kind")
    kinds.add_argument("kind", nargs="?", help="only this kind")
    listing = actions.add_parser("list", help="list the channels")
    testing = actions.add_parser("test", help="send a test message and print the receiver's answer")
    testing.add_argument("channel", help="the channel's name or id")
    for action in (kinds, listing, testing):
        action.add_argument("--json", action="store_true", help="print JSON instead")
    for action in (listing, testing):
        action.add_argument("--data-dir", help="the data folder of the running `up`")


def run(args: argparse.Namespace) -> int:
    if args.action == "kinds":
        return _kinds(args.kind, args.json)
    connect(args.data_dir)
    return _list(args.json) if args.action == "list" else _test(args.channel, args.json)


def _kinds(wanted: str | None, as_json: bool) -> int:
    from vigil.alerts.channel_settings import page_of, pages
    from vigil.alerts.channels import CHANNELS

    if wanted is not None and wanted not in CHANNELS:
        raise CommandError(f"there is no kind {wanted!r}; there are {', '.join(CHANNELS)}")
    shown = [page_of(wanted)] if wanted else pages()
    if as_json:
        print(json.dumps([dataclasses.asdict(page) for page in shown]))
        return 0
    for page in shown:
        print(f"{page.kind}: {page.name}\n  {page.words}")
        for title, settings in (("config", page.config), ("secret", page.secrets)):
            for one in settings:
                default = f" [{json.dumps(one.default)}]" if one.default is not None else ""
                print(f"  {title} {one.name}{'' if one.needed else ' (optional)'}{default}: {one.words}")
        print()
    return 0


def _list(as_json: bool) -> int:
    from vigil.alerts.models import Channel

    rows = [
        {
            "id": channel.public_id,
            "name": channel.name,
            "kind": channel.kind,
            "enabled": channel.enabled,
            "fallback": channel.fallback,
        }
        for channel in Channel.objects.order_by("team_id", "name")
    ]
    if as_json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        state = ("fallback" if row["fallback"] else "on") if row["enabled"] else "off"
        print(f"{row['id']:<22} {row['kind']:<12} {state:<9} {row['name']}")
    return 0


def _test(wanted: str, as_json: bool) -> int:
    from django.db.models import Q
    from django.utils import timezone

    from vigil.alerts.models import Channel
    from vigil.alerts.test_message import send_trial

    found = list(Channel.objects.filter(Q(public_id=wanted) | Q(name=wanted))[:2])
    if len(found) != 1:
        problem = "more than one channel is" if found else "no channel is"
        raise CommandError(f"{problem} called {wanted!r}: `manage.py channel list` shows names and ids")
    outcome = send_trial(found[0], timezone.now())
    print(json.dumps(dataclasses.asdict(outcome)) if as_json else f"{found[0]}: {outcome} ({outcome.took_ms} ms)")
    return 0 if outcome.accepted else 1
