"""Apply a document of monitors as code, or a plan of it.

  manage.py apply                     plan vigil.yaml, show it, and apply it
  manage.py apply pln_0f3k...         apply a plan that was reviewed; refused when the configuration has changed since
  manage.py apply monitoring/ --prune delete what this project owns and no file names

All changes are one transaction: a process that dies leaves all of them or none, and applying again makes no
duplicate. With VIGIL_URL and VIGIL_TOKEN it is the installation there. `--yes` does not ask before deletions. The exit
code is 0 when everything is applied or nothing is to do, and 2 on an error, which leaves everything as it was.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from vigil.cli.code.connections import add_connection, installation
from vigil.cli.code.documents import load_or_refuse
from vigil.cli.errors import CommandError
from vigil.code.load import DEFAULT

_PLAN = re.compile(r"pln_[0-9a-z]{1,20}\Z")


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="?", default=DEFAULT, metavar="FILE|PLAN",
        help=f"a file, a folder, or the id of a plan (default: {DEFAULT})",
    )  # fmt: skip
    parser.add_argument("--prune", action="store_true", help="delete what this project owns and does not name")
    parser.add_argument("--yes", action="store_true", help="do not ask before deletions")
    parser.add_argument("--json", action="store_true", help="print JSON instead")
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    from vigil.code.core.plan_text import has_changes, in_text

    if args.prune and _PLAN.match(args.what):
        raise CommandError("a plan deletes what it was made to: make it with `manage.py plan --prune`")
    there = installation(args.data_dir)
    if _PLAN.match(args.what):
        plan = there.stored_plan(args.what)
    else:
        plan = there.plan(load_or_refuse(Path(args.what)), args.prune)
    if plan["applied_at"]:
        return _done(args, plan, f"plan {plan['id']} was applied at {plan['applied_at']}; nothing is left to do")
    if not args.json:
        print(in_text(plan))
    deleted = [change for change in plan["changes"] if change["action"] == "delete"]
    if deleted and not args.yes:
        _ask(len(deleted))
    changed = has_changes(plan)
    plan = there.apply(plan["id"])
    return _done(args, plan, f"applied {plan['id']}" if changed else "nothing to apply")


def _ask(count: int) -> None:
    """Ask before deletions; raises CommandError without a terminal or a yes."""
    if not sys.stdin.isatty():
        raise CommandError(f"this deletes {count} objects: say --yes to delete them without being asked")
    # Not on standard output, which may be one JSON object.
    print(f"Delete {count} objects? Type yes: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() != "yes":
        raise CommandError("nothing was applied")


def _done(args: argparse.Namespace, plan: dict[str, object], words: str) -> int:
    print(json.dumps(plan) if args.json else words)
    return 0
