"""Show what a document of monitors as code would change. Nothing changes.

  manage.py plan                      vigil.yaml against the installation
  manage.py plan monitoring/ --prune  a folder; what this project owns and no file names is deleted
  manage.py plan --markdown           for a comment on a pull request

The plan is made on the server and stored: `manage.py apply PLAN` applies exactly it, and is refused when the
configuration has changed meanwhile. With VIGIL_URL and VIGIL_TOKEN it is the installation there. The exit code is 0
without changes, 2 with changes, 1 on an error.
"""

from __future__ import annotations

import argparse
import json

from vigil.cli.code.connections import add_connection, installation
from vigil.cli.code.documents import add_file, load_or_refuse

CHANGES = 2


def add(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    parser.add_argument("--prune", action="store_true", help="delete what this project owns and does not name")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON instead")
    form.add_argument("--markdown", action="store_true", help="print Markdown, for a pull request")
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    from vigil.code.core.plan_text import has_changes, in_markdown, in_text

    plan = installation(args.data_dir).plan(load_or_refuse(args.file), args.prune)
    if args.json:
        print(json.dumps(plan))
    else:
        print(in_markdown(plan) if args.markdown else in_text(plan))
    return CHANGES if has_changes(plan) else 0
