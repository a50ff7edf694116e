"""List incidents, or follow them as they open, change and resolve.

  manage.py incidents                     the incidents that are open
  manage.py incidents --all --last 20     the last twenty, resolved ones too
  manage.py incidents --follow            print a line for each that opens or resolves, until Ctrl-C
  manage.py incidents --follow --json     the same as one JSON object a line

With VIGIL_URL and VIGIL_TOKEN it reads another installation. `manage.py ack ID` acknowledges one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from vigil.cli.remote.connection import add_options, api
from vigil.cli.table import aligned
from vigil.client import ApiError, Unreachable, Vigil, calls
from vigil.client.models import Incident

#: Between two looks (s): one cheap request.
EVERY_S = 3.0


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="resolved incidents too")
    parser.add_argument("--last", type=int, default=100, metavar="N", help="at most so many (default 100)")
    parser.add_argument("--follow", action="store_true", help="go on, and print what opens and what resolves")
    add_options(parser)


def run(args: argparse.Namespace) -> int:
    with api(args.data_dir) as vigil:
        if args.follow:
            for incident in follow(vigil, EVERY_S):
                print(_line(incident, args.json), flush=True)
        wanted = calls.incidents(limit=min(args.last, 200), **({} if args.all else {"open": True}))
        found = list(itertools.islice(vigil.each(wanted), args.last))
    if args.json:
        print(json.dumps(msgspec.to_builtins(found)))
    else:
        print(aligned([_row(incident) for incident in found]) if found else "no incident is open")
    return 0


def follow(vigil: Vigil, every_s: float, most: int | None = None) -> Iterator[Incident]:
    """Incidents that are open, then each that opens or resolves; `most` looks, else without an end.

    A server that cannot be reached for a while is asked again; what happened meanwhile is said then.
    """
    known: dict[str, Incident] = {}
    for look in itertools.count():
        if look:
            time.sleep(every_s)
        try:
            seen = {found.id: found for found in vigil.each(calls.incidents(open=True, limit=200))}
            gone = [vigil.send(calls.incident(known_id)) for known_id in known.keys() - seen.keys()]
        except (ApiError, Unreachable) as problem:
            if not look or (isinstance(problem, ApiError) and problem.status < 500):
                raise
            continue
        yield from said(known, seen, gone)
        known = seen
        if most is not None and look + 1 >= most:
            return


def said(known: Mapping[str, Incident], seen: Mapping[str, Incident], gone: Sequence[Incident]) -> list[Incident]:
    """What is new between two looks, oldest first: opened, resolved, or with another title."""
    opened = [found for found in seen.values() if known.get(found.id, None) != found]
    return sorted([*gone, *opened], key=lambda found: found.resolved_at or found.opened_at)


def _line(incident: Incident, as_json: bool) -> str:
    if as_json:
        return json.dumps(msgspec.to_builtins(incident))
    at = incident.resolved_at or incident.opened_at
    return (
        f"{at:%Y-%m-%d %H:%M:%S}Z  {'resolved' if incident.resolved_at else 'open':8}  {incident.id}  {incident.title}"
    )


def _row(incident: Incident) -> dict[str, str]:
    return {
        "id": incident.id,
        "kind": incident.kind,
        "opened": f"{incident.opened_at:%Y-%m-%d %H:%M:%S}Z",
        "resolved": f"{incident.resolved_at:%Y-%m-%d %H:%M:%S}Z" if incident.resolved_at else "",
        "title": incident.title,
    }
