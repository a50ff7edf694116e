"""Passphrase of a backup: from a file, from VIGIL_BACKUP_PASSPHRASE, or typed. Never from the command line."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from vigil.backup.sealing import LONGEST, SHORTEST
from vigil.cli.errors import CommandError

NAME = "VIGIL_BACKUP_PASSPHRASE"


def add_options(parser: argparse.ArgumentParser, without: str) -> None:
    """Options that choose it; `without` says what --without-keys does."""
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--passphrase-file", type=Path, metavar="FILE", help="read the passphrase from its first line")
    chosen.add_argument("--without-keys", action="store_true", help=without)


def passphrase(args: argparse.Namespace, twice: bool = False) -> str:
    """The passphrase, empty with --without-keys; raises CommandError."""
    if args.without_keys:
        return ""
    found = _from_file(args.passphrase_file) if args.passphrase_file else os.environ.get(NAME, "") or _typed(twice)
    if not SHORTEST <= len(found) <= LONGEST:
        raise CommandError(f"a passphrase has {SHORTEST} to {LONGEST} characters")
    try:
        found.encode()
    except UnicodeEncodeError:
        raise CommandError("the passphrase is no text in UTF-8: write it so, or take another") from None
    return found


def _from_file(path: Path) -> str:
    try:
        with path.open() as opened:
            return opened.readline(LONGEST + 2).rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'no text'})") from None


def _typed(twice: bool) -> str:
    if not sys.stdin.isatty():
        raise CommandError(f"name the passphrase by --passphrase-file or {NAME}, or leave the keys out: --without-keys")
    found = getpass.getpass("Passphrase of the backup: ")
    if twice and getpass.getpass("Once more: ") != found:
        raise CommandError("the two differ")
    return found
