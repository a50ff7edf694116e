"""List what Vigil could not process, replay it after a fix, or discard it.

  manage.py deadletters list
  manage.py deadletters list --all --json
  manage.py deadletters show dlt_0f3k9m2p7q4r8s1t
  manage.py deadletters replay dlt_0f3k9m2p7q4r8s1t      or --all
  manage.py deadletters discard dlt_0f3k9m2p7q4r8s1t     or --all

A replay adds an entry to its stream again where that is of use, and closes the other letters: `show` says which, and
why. What is tried again by itself settles its letter when it works. Messages that a channel refused for good are
deliveries: see the admin pages or the API.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from vigil.deadletters.models import DeadLetter

_LISTED = 200


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list the letters that wait, newest first")
    listing.add_argument("--all", action="store_true", help="also those that were replayed, settled or discarded")
    listing.add_argument("--json", action="store_true", help="print JSON")
    show = actions.add_parser("show", help="print one letter with its error and its bytes")
    show.add_argument("id", help="the letter's id (dlt_...)")
    for name, what in (("replay", "add entries to their streams again"), ("discard", "close letters without a replay")):
        one = actions.add_parser(name, help=what)
        one.add_argument("id", nargs="*", help="ids of letters (dlt_...)")
        one.add_argument("--all", action="store_true", help="every letter that waits")


def run(args: argparse.Namespace) -> int:
    connect()
    actions = {"list": _list, "show": _show, "replay": _replay, "discard": _discard}
    return actions[args.action](args)


def _list(args: argparse.Namespace) -> int:
    from vigil.deadletters.actions import waiting
    from vigil.deadletters.models import DeadLetter

    found = (DeadLetter.objects.all() if args.all else waiting()).defer("payload")[:_LISTED]
    if args.json:
        print(json.dumps([_row(letter) for letter in found], indent=2))
        return 0
    for letter in found:
        print(
            f"{letter.public_id}  {letter.state:<9}  {letter.count:>6} x  {letter.last_at:%Y-%m-%d %H:%M:%S}  {letter}"
        )
        print(f"    {letter.error.splitlines()[0] if letter.error else ''}")
    if not found:
        print("No dead letter waits.")
    return 0


def _show(args: argparse.Namespace) -> int:
    letter = _named([args.id]).get()
    for name, value in _row(letter).items():
        print(f"{name:<9} {value}")
    print(f"replay    {letter.on_replay}")
    print(f"bytes     {bytes(letter.payload)!r}")
    return 0


def _replay(args: argparse.Namespace) -> int:
    from vigil.deadletters.actions import NotReplayable, replay

    refused = 0
    for letter in _chosen(args).order_by("pk"):
        try:
            print(f"{letter.public_id} replayed: {replay(letter)}")
        except NotReplayable as why:
            refused += 1
            print(f"{letter.public_id} not replayed: {why}")
    return int(refused > 0)


def _discard(args: argparse.Namespace) -> int:
    from vigil.deadletters.actions import discard

    print(f"{discard(_chosen(args))} discarded")
    return 0


def _chosen(args: argparse.Namespace) -> QuerySet[DeadLetter]:
    from vigil.deadletters.actions import waiting

    if args.all == bool(args.id):
        raise CommandError("name letters by their ids, or use --all")
    return waiting() if args.all else _named(args.id)


def _named(ids: list[str]) -> QuerySet[DeadLetter]:
    from vigil.deadletters.models import DeadLetter

    found = DeadLetter.objects.filter(public_id__in=ids)
    missing = set(ids) - set(found.values_list("public_id", flat=True))
    if missing:
        raise CommandError(f"there is no dead letter {sorted(missing)[0]}: see `deadletters list`")
    return found


def _row(letter: DeadLetter) -> dict[str, object]:
    fields = ("public_id", "source", "step", "origin", "state", "count", "stream", "entry", "size", "error")
    times = {name: getattr(letter, name).isoformat() for name in ("first_at", "last_at")}
    return {**{name: getattr(letter, name) for name in fields}, **times}
