"""Mute alerts or pause checks for a while: for scripts, before and after a deployment.

  manage.py silence add upgrade --tag db --minutes 30      mute the monitors tagged db for half an hour
  manage.py silence add move --monitor "Chat API" --minutes 60 --pause      and do not check meanwhile
  manage.py silence add transit --everything --region eu-west      mute what only eu-west sees, never an outage
  manage.py silence list                                   the silences that are active or planned
  manage.py silence end upgrade                            end it now; what is still down is alerted within a second

A muted alert is held, and its incident shows that. If the target is still down when the silence ends, the alert is
sent. Create recurring windows in the admin or over the API. With VIGIL_URL and VIGIL_TOKEN it acts on another
installation.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC
from typing import Any

from vigil.cli.errors import CommandError
from vigil.cli.remote.connection import add_options, api
from vigil.client import Vigil, calls
from vigil.client.models import Silence

MAX_MINUTES = 7 * 24 * 60
_DOES = ("mutes", "pauses", "excludes")


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|end")
    adding = actions.add_parser("add", help="start a silence now")
    adding.add_argument("name", help="a name, shown on the alerts that it holds")
    about = adding.add_mutually_exclusive_group(required=True)
    about.add_argument("--monitor", action="append", help="a monitor's name or id; may be given again")
    about.add_argument("--tag", action="append", help="monitors with this tag; may be given again")
    about.add_argument("--everything", action="store_true", help="every monitor")
    adding.add_argument("--region", action="append", help="only regional alerts of this region; may be given again")
    adding.add_argument("--minutes", type=int, default=60, help="how long (default: 60)")
    adding.add_argument("--reason", default="", help="the reason, for other people")
    adding.add_argument("--pause", action="store_true", help="do not check; the time does not count in uptime")
    adding.add_argument("--exclude", action="store_true", help="the time does not count in uptime")
    listing = actions.add_parser("list", help="list active and planned silences")
    ending = actions.add_parser("end", help="end it now")
    ending.add_argument("silence", help="its name or id")
    for action in (adding, listing, ending):
        add_options(action)


def run(args: argparse.Namespace) -> int:
    if args.action == "add" and not 1 <= args.minutes <= MAX_MINUTES:
        raise CommandError(f"--minutes must be from 1 to {MAX_MINUTES}")
    with api(args.data_dir) as vigil:
        return {"add": _add, "list": _list, "end": _end}[args.action](vigil, args)


def _add(vigil: Vigil, args: argparse.Namespace) -> int:
    wanted: dict[str, Any] = {
        "name": args.name,
        "reason": args.reason,
        "pauses": args.pause,
        "excludes": args.exclude,
        "tags": args.tag or [],
        "regions": args.region or [],
        "every_monitor": args.everything,
        "monitors": [_monitor(vigil, called) for called in args.monitor or []],
        "duration_s": args.minutes * 60,
    }
    made = vigil.send(calls.create_silence(**wanted))
    ends = made.coming[0].ends.astimezone(UTC)
    if args.json:
        print(json.dumps({"id": made.id, "ends_at": ends.isoformat()}))
    else:
        print(f"{made.id}: {made.name} holds until {ends:%Y-%m-%d %H:%M:%S} UTC")
    return 0


def _monitor(vigil: Vigil, called: str) -> str:
    """The id of the monitor of this name or id; raises CommandError."""
    if called.startswith("mon_"):
        return called
    found = list(vigil.each(calls.monitors(name=called)))
    if len(found) != 1:
        problem = "there is no monitor" if not found else "more than one monitor is called"
        raise CommandError(f"{problem} {called!r}: `manage.py monitors` shows names and ids")
    return found[0].id


def _list(vigil: Vigil, args: argparse.Namespace) -> int:
    rows = [_row(silence) for silence in vigil.each(calls.silences()) if silence.coming]
    if args.json:
        print(json.dumps(rows, default=lambda at: at.isoformat()))
        return 0
    for row in rows:
        when = f"holds until {row['ends']:%Y-%m-%d %H:%M}" if row["holds"] else f"from {row['starts']:%Y-%m-%d %H:%M}"
        about = f" in {', '.join(row['regions'])}" if row["regions"] else ""
        print(f"{row['id']}  {row['name']}: {', '.join(row['does'])}{about}, {when} UTC")
    if not rows:
        print("no silence is active, and none is planned within 35 days")
    return 0


def _row(silence: Silence) -> dict[str, Any]:
    first = silence.coming[0]
    return {
        "id": silence.id,
        "name": silence.name,
        "does": [name for name in _DOES if getattr(silence, name)],
        "regions": silence.regions,
        "holds": silence.holds,
        "starts": first.starts.astimezone(UTC),
        "ends": first.ends.astimezone(UTC),
    }


def _end(vigil: Vigil, args: argparse.Namespace) -> int:
    there = list(vigil.each(calls.silences()))
    found = [one for one in there if one.id == args.silence] or [one for one in there if one.name == args.silence]
    if not found:
        raise CommandError(f"there is no silence {args.silence!r}")
    for silence in found:
        vigil.send(calls.end_silence(silence.id))
    if args.json:
        print(json.dumps({"ended": [silence.id for silence in found]}))
    else:
        print(f"ended {len(found)}; held alerts of what is still down are sent now")
    return 0
