"""Acknowledge an incident: its calls and reminders stop until it gets worse.

  manage.py ack inc_4kq7...                        I look after it
  manage.py ack inc_4kq7... --note "Rolling back"   and what I do
  manage.py ack inc_4kq7... --snooze 1h            not now: alert again in an hour, if it is still open
  manage.py ack inc_4kq7... --take-back            not me: it calls again

With VIGIL_URL and VIGIL_TOKEN it acts on another installation.
"""

from __future__ import annotations

import argparse
import json

from vigil.cli.lengths import seconds
from vigil.cli.remote.connection import add_options, api
from vigil.client import calls


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("incident", help="its id")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--snooze", metavar="LENGTH", help="for a while only, from 1m to 7d")
    how.add_argument("--take-back", action="store_true", help="remove the acknowledgement")
    parser.add_argument("--note", metavar="TEXT", help="a note on its timeline")
    add_options(parser)


def run(args: argparse.Namespace) -> int:
    if args.take_back:
        done, call = "taken back", calls.take_back(args.incident)
    elif args.snooze:
        done, call = f"snoozed for {args.snooze}", calls.snooze(args.incident, max(1, seconds(args.snooze) // 60))
    else:
        done, call = "acknowledged", calls.acknowledge(args.incident)
    with api(args.data_dir) as vigil:
        answer = vigil.send(call).answer
        if args.note:
            vigil.send(calls.note(args.incident, args.note))
    if args.json:
        print(json.dumps({"id": args.incident, "answer": answer}))
    else:
        print(f"{args.incident} was already {done}" if answer == "already" else f"{done} {args.incident}")
    return 0
