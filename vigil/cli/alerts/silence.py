"""Mute alerts or pause checks for a while: for scripts, before and after a deployment.

  manage.py silence add upgrade --tag db --minutes 30      mute the monitors tagged db for half an hour
  manage.py silence add move --monitor "Chat API" --minutes 60 --pause      and do not check meanwhile
  manage.py silence list                                   the silences that are active or planned
  manage.py silence end upgrade                            end it now; what is still down is alerted within a second

A muted alert is held, and its incident shows that. If the target is still down when the silence ends, the alert is
sent. Create recurring windows in the admin or over the API.
"""

from __future__ import annotations

import argparse
import json
from datetime import timedelta

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError

MAX_MINUTES = 7 * 24 * 60


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|end")
    adding = actions.add_parser("add", help="start a silence now")
    adding.add_argument("name", help="a name, shown on the alerts that it holds")
    about = adding.add_mutually_exclusive_group(required=True)
    about.add_argument("--monitor", action="append", help="a monitor's name or id; may be given again")
    about.add_argument("--tag", action="append", help="monitors with this tag; may be given again")
    about.add_argument("--everything", action="store_true", help="every monitor")
    adding.add_argument("--minutes", type=int, default=60, help="how long (default: 60)")
    adding.add_argument("--reason", default="", help="the reason, for other people")
    adding.add_argument("--pause", action="store_true", help="do not check; the time does not count in uptime")
    adding.add_argument("--exclude", action="store_true", help="the time does not count in uptime")
    listing = actions.add_parser("list", help="list active and planned silences")
    ending = actions.add_parser("end", help="end it now")
    ending.add_argument("silence", help="its name or id")
    for action in (adding, listing, ending):
        action.add_argument("--json", action="store_true", help="print JSON instead")
        action.add_argument("--data-dir", help="the data folder of the running `up`")


def run(args: argparse.Namespace) -> int:
    if args.action == "add" and not 1 <= args.minutes <= MAX_MINUTES:
        raise CommandError(f"--minutes must be from 1 to {MAX_MINUTES}")
    connect(args.data_dir)
    return {"add": _add, "list": _list, "end": _end}[args.action](args)


def _add(args: argparse.Namespace) -> int:
    from django.core.exceptions import ValidationError

    from vigil.accounts.teams import default_team
    from vigil.cli.alerts.whom import find_monitor
    from vigil.clock import database_now
    from vigil.silences.changes import create_silence
    from vigil.silences.models import Silence

    now = database_now()
    wanted = {
        "name": args.name,
        "reason": args.reason,
        "pauses": args.pause,
        "excludes": args.exclude,
        "tags": args.tag or [],
        "every_monitor": args.everything,
        "starts_at": now,
        "ends_at": now + timedelta(minutes=args.minutes),
    }
    silence = Silence(team=default_team(), created_by="command line")
    try:
        made = create_silence(silence, wanted, [find_monitor(name) for name in args.monitor or []])
    except ValidationError as refused:
        raise CommandError(" ".join(refused.messages)) from None
    if args.json:
        print(json.dumps({"id": made.public_id, "ends_at": wanted["ends_at"].isoformat()}))
    else:
        print(f"{made.public_id}: {made.name} holds until {wanted['ends_at']:%Y-%m-%d %H:%M:%S} UTC")
    return 0


def _list(args: argparse.Namespace) -> int:
    from vigil.clock import database_now
    from vigil.silences.core.windows import windows
    from vigil.silences.models import Silence

    now = database_now()
    rows = []
    for silence in Silence.objects.filter(valid_until=None).order_by("id"):
        coming = windows(silence.schedule, now, now + timedelta(days=35))[:1]
        if coming:
            does = [name for name in ("mutes", "pauses", "excludes") if getattr(silence, name)]
            first = coming[0]
            rows.append((silence.public_id, silence.name, does, first.starts <= now, first.starts, first.ends))
    if args.json:
        names = ("id", "name", "does", "holds", "starts", "ends")
        print(json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=lambda at: at.isoformat()))
        return 0
    for key, name, does, holds, starts, ends in rows:
        when = f"holds until {ends:%Y-%m-%d %H:%M} UTC" if holds else f"from {starts:%Y-%m-%d %H:%M} UTC"
        print(f"{key}  {name}: {', '.join(does)}, {when}")
    if not rows:
        print("no silence is active, and none is planned within 35 days")
    return 0


def _end(args: argparse.Namespace) -> int:
    from vigil.alerts.routing.holds import look_again_in
    from vigil.silences.changes import end_now
    from vigil.silences.models import Silence

    valid = Silence.objects.filter(valid_until=None)
    found = list(valid.filter(public_id=args.silence) or valid.filter(name=args.silence))
    if not found:
        raise CommandError(f"there is no silence {args.silence!r}")
    for silence in found:
        end_now(silence)
        look_again_in(silence.team_id)
    if args.json:
        print(json.dumps({"ended": [silence.public_id for silence in found]}))
    else:
        print(f"ended {len(found)}; held alerts of what is still down are sent now")
    return 0
