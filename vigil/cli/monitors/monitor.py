"""Create a monitor of an address or of a preset, or list, pause, resume or delete monitors.

  manage.py monitor add https://api.example.com/health
  manage.py monitor add tcp://db.internal:5432 --name Database --every 30s --priority high --tag shop
  manage.py monitor add https://api.example.com/v1/models --secret-env bearer=API_KEY
  manage.py monitor add --preset openai --key-env OPENAI_API_KEY --model gpt-4o-mini
  manage.py monitor list
  manage.py monitor pause Database       or resume, delete; by name or id
  manage.py monitor changes Database     who changed which of its fields, and when

The address is written as for `check`, which tries it once without creating anything. Every enabled region checks it,
unless --regions names some. Keys are read from environment variables and stored encrypted.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.cli.lengths import seconds
from vigil.cli.monitors.check_target import add_target_options, asked_for
from vigil.cli.table import aligned

if TYPE_CHECKING:
    from vigil.monitors.models import Monitor, Region

_ACTIONS = {"pause": "stop its checks", "resume": "start its checks again", "delete": "delete it; its incidents stay"}
_CHANGES = "list who changed it: the last 50 changes"
_CHANGES_SHOWN = 50


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|changes|pause|resume|delete")
    adding = actions.add_parser("add", help="create a monitor")
    adding.add_argument("url", metavar="URL", nargs="?", help="an address; its scheme chooses the kind")
    adding.add_argument("--name", dest="called", metavar="NAME", help="its name (default: the address or the preset's)")
    add_target_options(adding)
    adding.add_argument("--every", metavar="LENGTH", help="how often, from 5s to 1d (default 60s, or the preset's)")
    adding.add_argument("--timeout", type=float, metavar="SECONDS", help="0.1 to 60 (default 10, or the preset's)")
    adding.add_argument(
        "--regions", metavar="NAMES", help="the regions that check, like eu-west,us-east (default: all)"
    )
    adding.add_argument("--sensitivity", choices=("low", "normal", "high"), help="default: normal")
    adding.add_argument("--priority", choices=("high", "normal", "low"), help="routes may match it (default: normal)")
    adding.add_argument("--tag", action="append", default=[], help="a tag; repeatable")
    listing = actions.add_parser("list", help="list the monitors with their status")
    given = [actions.add_parser(name, help=about) for name, about in {**_ACTIONS, "changes": _CHANGES}.items()]
    for action in given:
        action.add_argument("monitor", help="its name or id")
    for action in (adding, listing, *given):
        action.add_argument("--json", action="store_true", help="print JSON instead")
        action.add_argument("--data-dir", help="the data folder of the running `up`")


def run(args: argparse.Namespace) -> int:
    if args.action == "add":
        wanted = _wanted(args)
        connect(args.data_dir)
        return _add(args, wanted)
    connect(args.data_dir)
    return _list(as_json=args.json) if args.action == "list" else _change(args)


def _wanted(args: argparse.Namespace) -> dict[str, Any]:
    """The fields that the command line gives; raises CommandError."""
    asked = asked_for(args)
    wanted: dict[str, Any] = {
        "name": args.called or asked.name,
        "kind": asked.kind,
        "config": dict(asked.config),
        "secrets": dict(asked.secrets),
        "interval_s": seconds(args.every) if args.every else asked.interval_s,
        "timeout_ms": round((args.timeout if args.timeout is not None else asked.timeout_s) * 1_000),
        "tags": args.tag or (["ai"] if args.preset else []),
    }
    return wanted | {name: getattr(args, name) for name in ("sensitivity", "priority") if getattr(args, name)}


def _add(args: argparse.Namespace, wanted: dict[str, Any]) -> int:
    from django.core.exceptions import ValidationError

    from vigil.accounts.teams import default_team
    from vigil.monitors.changes import create_monitor, monitor_warnings

    if args.regions:
        wanted["regions"] = _regions(args.regions.split(","))
    # A short interval without a timeout gets the longest that fits.
    if args.timeout is None:
        wanted["timeout_ms"] = min(wanted["timeout_ms"], wanted["interval_s"] * 1_000)
    try:
        monitor = create_monitor(default_team(), wanted)
    except ValidationError as refused:
        field, problems = next(iter(refused.message_dict.items()))
        raise CommandError(f"{field}: {problems[0]}") from None
    warnings, regions = monitor_warnings(monitor), [region.slug for region in monitor.regions.all()]
    if args.json:
        print(json.dumps({"id": monitor.public_id, "name": monitor.name, "regions": regions, "warnings": warnings}))
        return 0
    print(f"{monitor.public_id}  {monitor.name}: every {monitor.interval_s} s from {', '.join(regions) or 'no region'}")
    for warning in warnings:
        print(f"  {warning}")
    return 0


def _regions(names: list[str]) -> list[Region]:
    from vigil.monitors.models import Region

    found = {region.slug: region for region in Region.objects.filter(slug__in=names)}
    unknown = sorted(set(names) - found.keys())
    if unknown:
        raise CommandError(f"there is no region {unknown[0]!r}: `manage.py region list` shows them")
    return list(found.values())


def _list(as_json: bool) -> int:
    from vigil.monitors.models import Monitor

    found = Monitor.objects.filter(deleted_at=None).select_related("believed").prefetch_related("regions")
    rows = [_row(monitor) for monitor in found.order_by("name", "id")]
    print(json.dumps(rows) if as_json else aligned(rows) if rows else "none yet: `manage.py monitor add URL`")
    return 0


def _row(monitor: Monitor) -> dict[str, Any]:
    from vigil.incidents.shown_status import shown_status

    return {
        "id": monitor.public_id,
        "name": monitor.name,
        "kind": monitor.kind,
        "status": shown_status(monitor),
        "every_s": monitor.interval_s,
        "regions": [region.slug for region in monitor.regions.all()],
        "target": monitor.target,
    }


def _change(args: argparse.Namespace) -> int:
    from django.core.exceptions import ValidationError
    from django.db.models import Q

    from vigil.monitors import changes
    from vigil.monitors.models import DerivedKind, Monitor

    named = Monitor.objects.filter(Q(public_id=args.monitor) | Q(name=args.monitor), deleted_at=None)
    monitors = list(named.exclude(kind__in=DerivedKind.values)[:2])
    if len(monitors) != 1:
        problem = "there is no monitor" if not monitors else "more than one monitor is called"
        raise CommandError(f"{problem} {args.monitor!r}: `manage.py monitor list` shows names and ids")
    if args.action == "changes":
        return _history(monitors[0], as_json=args.json)
    try:
        if args.action == "delete":
            changes.delete_monitor(monitors[0])
        else:
            changes.set_paused(monitors[0], args.action == "pause")
    except ValidationError as refused:
        raise CommandError(refused.messages[0]) from None
    done = {"pause": "paused", "resume": "resumed", "delete": "deleted"}[args.action]
    row = {"id": monitors[0].public_id, "name": monitors[0].name, "done": done}
    print(json.dumps(row) if args.json else f"{done} {row['name']} ({row['id']})")
    return 0


def _history(monitor: Monitor, as_json: bool) -> int:
    rows = [
        {
            "at": f"{change.at:%Y-%m-%d %H:%M:%S}",
            "who": f"{change.author} ({change.via})" if change.via else change.author,
            "what": change.action,
            "fields": ", ".join(change.fields),
        }
        for change in monitor.changes.all()[:_CHANGES_SHOWN]
    ]
    print(json.dumps(rows) if as_json else aligned(rows) if rows else "none is on record")
    return 0
