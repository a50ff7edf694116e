"""Take over objects that were made by hand, as they are: they are not made again.

  manage.py adopt monitors.api=mon_0f3k... channels.ops=chn_7a2b...
  manage.py adopt --everything        all that no project owns, under the keys that `export --everything` shows

Each key of the project then stands for that object: the next plan shows what the document would change in it. Objects
and their history stay. With VIGIL_URL and VIGIL_TOKEN it is the installation there.
"""

from __future__ import annotations

import argparse

from vigil.cli.code.connections import add_connection, installation
from vigil.cli.errors import CommandError


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pairs", nargs="*", metavar="SECTION.KEY=ID", help="a key of the document, and an object's id")
    parser.add_argument("--everything", action="store_true", help="all that no project owns, regions aside")
    parser.add_argument("--project", default="default", help="the project (default: default)")
    add_connection(parser)


def run(args: argparse.Namespace) -> int:
    if bool(args.pairs) == args.everything:
        raise CommandError("name SECTION.KEY=ID once or more, or --everything")
    pairs = []
    for pair in args.pairs:
        path, found, public_id = pair.partition("=")
        section, dot, key = path.partition(".")
        if not (found and dot and key and public_id):
            raise CommandError(f"{pair[:80]!r} is not SECTION.KEY=ID, such as monitors.api=mon_0f3k...")
        pairs.append(((section, key), public_id))
    there = installation(args.data_dir)
    for address, public_id in pairs:
        there.adopt(args.project, address, public_id)
        print(f"{'.'.join(address)} is {public_id}")
    for place, public_id in there.adopt_everything(args.project) if args.everything else ():
        print(f"{place} is {public_id}")
    return 0
