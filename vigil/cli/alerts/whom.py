"""Show who would be alerted, and why, for any monitor and kind of incident. Nothing is sent.

  manage.py whom "Chat API"                           an outage of this monitor, now
  manage.py whom "Chat API" --kind degraded           another kind: account, regional, heartbeat, blind, ...
  manage.py whom "Chat API" --at 2030-01-05T03:00Z    at another time, by the rotations and routes of that time

Name the monitor by its name or id. Without one, the answer is for an incident without a monitor, such as a dark region.
The exit code is 1 when no one would be alerted.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError

if TYPE_CHECKING:
    from vigil.alerts.routing.preview import Preview, PreviewedChannel
    from vigil.monitors.models import Monitor


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("monitor", nargs="?", help="the monitor's name or id")
    parser.add_argument("--kind", default="outage", help="the kind of incident (default: outage)")
    parser.add_argument("--at", help="when, such as 2030-01-05T03:00Z (default: now)")
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    parser.add_argument("--data-dir", help="the data folder of the running `up`")


def run(args: argparse.Namespace) -> int:
    at = _moment(args.at) if args.at else None
    connect(args.data_dir)

    from vigil.accounts.teams import default_team
    from vigil.alerts.routing.preview import preview_row, who_would_be_told
    from vigil.clock import database_now
    from vigil.incidents.core.model import IncidentKind

    if args.kind not in set(IncidentKind):
        raise CommandError(f"there is no kind {args.kind!r}; there are {', '.join(IncidentKind)}")
    monitor = find_monitor(args.monitor) if args.monitor else None
    team = monitor.team if monitor else default_team()
    preview = who_would_be_told(team, monitor, IncidentKind(args.kind), at or database_now())
    if args.json:
        print(json.dumps(preview_row(preview), default=lambda value: value.isoformat()))
    else:
        _show(preview, monitor.name if monitor else "what has no monitor")
    return 1 if preview.nobody else 0


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is not a time: write it like 2030-01-05T03:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def find_monitor(name: str) -> Monitor:
    """The monitor of a name or id; raises `CommandError`."""
    from vigil.monitors.models import Monitor

    found = Monitor.objects.filter(deleted_at=None).select_related("team")
    chosen = list(found.filter(public_id=name) or found.filter(name=name)[:2])
    if not chosen:
        raise CommandError(f"there is no monitor {name!r}")
    if len(chosen) > 1:
        raise CommandError(f"several teams have a monitor {name!r}: name it by its id")
    return chosen[0]


def _show(preview: Preview, about: str) -> None:
    from vigil.alerts.wording.text import clock, duration

    print(f"{preview.severity} {preview.kind} of {about}, at {clock(preview.at)}\n")
    for told in preview.told:
        print(f"  {told.channel.name} ({told.channel.kind}): {_outcome(told)}")
    for call in preview.called:
        if call.after or not call.targets.channels:
            nowhere = f" [leads nowhere: {'; '.join(call.targets.nowhere)}]" if call.targets.nowhere else ""
            when = f"after {duration(call.after)}" if call.after else "at once"
            print(f"  {when}, until someone acknowledges: {', '.join(call.targets.words) or 'no one'}{nowhere}")
    if preview.nobody:
        print("  no one would be alerted")
    if preview.remind_s:
        print(f"  reminded every {preview.remind_s} s until someone acknowledges")
    if preview.considered:
        print("\nroutes, in order:")
    for each in preview.considered:
        print(f"  {each.rule.name}: {'matches' if each.miss is None else 'no: ' + each.miss.replace('_', ' ')}")


def _outcome(told: PreviewedChannel) -> str:
    from vigil.alerts.wording.text import clock

    concern, hold = told.choice.concern, told.choice.hold
    why = f"{concern.why.replace('_', ' ')}: {concern.because}" if concern.because else concern.why.replace("_", " ")
    if hold is None:
        return f"alerted at once ({why})"
    until = f" until {clock(hold.until)}" if hold.until else ""
    return f"held: {hold.reason.replace('_', ' ')} by {hold.by}{until} ({why})"
