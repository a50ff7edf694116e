"""Encrypt every stored secret again with the first key of VIGIL_SEAL_KEYS.

  VIGIL_SEAL_KEYS=new,old manage.py reseal

To rotate a key: put the new key first and keep the old one after it, restart, run this command, then remove the old
key. Running it twice is safe.
"""

from __future__ import annotations

import argparse
import json

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead")


def run(args: argparse.Namespace) -> int:
    connect()
    from vigil.accounts.resealing import reseal
    from vigil.accounts.sealed import SealedValueUnreadable

    try:
        done = reseal()
    except SealedValueUnreadable as problem:
        raise CommandError(str(problem)) from None
    if args.json:
        print(json.dumps(done))
    else:
        for table, count in sorted(done.items()):
            print(f"{table:<40} {count} resealed")
    return 0
