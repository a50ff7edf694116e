"""Print a link that signs you in once, within 15 minutes.

The first administrator is called `admin` and has no password, so this link is the way in. Name another person to get a
link for that person. Anyone who has the link can use it: treat it like a password.
"""

from __future__ import annotations

import argparse

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("user", nargs="?", help="the person to sign in (default: the first administrator)")
    parser.add_argument("--data-dir", help="the data folder of the running `up` (default: VIGIL_DATA_DIR, else .vigil)")


def run(args: argparse.Namespace) -> int:
    connect(args.data_dir)

    from vigil.accounts.login import create_login_link, ensure_first_admin
    from vigil.accounts.models import User

    if args.user is None:
        user = ensure_first_admin()
    else:
        found = User.objects.filter(username=args.user, is_active=True).first()
        if found is None:
            raise CommandError(f"there is no active user `{args.user}`: `manage.py createsuperuser` makes one")
        user = found
    print(create_login_link(user))
    return 0
