"""Create, list, rotate or revoke API tokens. A token belongs to the default team; it is shown only once.

  manage.py token add ci --scope read --scope write     create it, and print it
  manage.py token add reports --expires 90d             it ends by itself after 90 days, and not after a year
  manage.py token list                                  names, scopes, last use and end
  manage.py token rotate vgl_4kq7abcd --overlap 1h      print its successor; the old one works for another hour
  manage.py token revoke vgl_4kq7abcd                   it stops working at once

Scopes: `read`; `write`, which is all that a member may do; `respond` acknowledges, snoozes and notes; `publish`
writes on status pages; `ping` sends pings; `enrol` adds regions.

Use it as `curl -H "Authorization: Bearer vgl_..." ADDRESS/api/v1/monitors`.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from structlog.processors import LogfmtRenderer

from vigil.cli.connection import connect
from vigil.cli.errors import CommandError
from vigil.cli.lengths import seconds
from vigil.cli.table import aligned

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from vigil.accounts.models import ApiToken

_SCOPES = ("read", "write", "respond", "publish", "ping", "enrol")
_LIFETIME_MOST_S, _OVERLAP_MOST_S = 3_660 * 86_400, 7 * 86_400


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|rotate|revoke")
    adding = actions.add_parser("add", help="create a token and print it")
    adding.add_argument("name", help="what uses it, such as ci")
    adding.add_argument("--scope", action="append", choices=_SCOPES, default=[], help="repeatable (default: read)")
    adding.add_argument(
        "--expires", metavar="LENGTH", default="365d", help="when it ends, such as 90d, or `never` (default: 365d)"
    )
    listing = actions.add_parser("list", help="list the tokens")
    revoking = actions.add_parser("revoke", help="end a token")
    revoking.add_argument("token", help="its beginning as the list shows it, such as vgl_4kq7abcd")
    rotating = actions.add_parser("rotate", help="print a token's successor, and end it a while later")
    rotating.add_argument("token", help="its beginning as the list shows it, such as vgl_4kq7abcd")
    rotating.add_argument("--overlap", metavar="LENGTH", default="1h", help="how long both work (default: 1h, 0 to 7d)")
    for action in (adding, listing, rotating, revoking):
        action.add_argument("--json", action="store_true", help="print JSON instead")
        action.add_argument("--data-dir", help="the data folder of the running `up`")


def run(args: argparse.Namespace) -> int:
    connect(args.data_dir)
    return {"add": _add, "list": _list, "rotate": _rotate, "revoke": _revoke}[args.action](args)


def _add(args: argparse.Namespace) -> int:
    from vigil.accounts.models import Scope
    from vigil.accounts.teams import default_team
    from vigil.accounts.tokens import issue_token
    from vigil.clock import database_wall_now

    name = args.name.strip()
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise CommandError("a token's name has 1 to 100 printable characters")
    lifetime = None if args.expires == "never" else timedelta(seconds=_lifetime_s(args.expires))
    expires_at = None if lifetime is None else database_wall_now() + lifetime
    scopes = [Scope(scope) for scope in sorted(set(args.scope)) or ["read"]]
    return _show(*issue_token(default_team(), name, scopes, expires_at=expires_at), as_json=args.json)


def _show(token: ApiToken, plain: str, as_json: bool) -> int:
    """Print a token that was just issued."""
    from vigil.configuration import configuration

    _note("issued", token)
    if as_json:
        print(json.dumps({**_row(token), "token": plain}))
        return 0
    base, path = configuration().base_url.rstrip("/"), "monitors" if {"read", "write"} & set(token.scopes) else "me"
    print(f"{plain}\n# Shown only now. It may {' and '.join(token.scopes)}. Try it:")
    print(f'curl -H "Authorization: Bearer {plain}" {base}/api/v1/{path}')
    return 0


def _list(args: argparse.Namespace) -> int:
    from vigil.accounts.models import ApiToken

    rows = [_row(token) for token in ApiToken.objects.select_related("user").order_by("name", "id")]
    print(json.dumps(rows) if args.json else aligned(rows) if rows else "none yet")
    return 0


def _rotate(args: argparse.Namespace) -> int:
    from django.db import transaction

    from vigil.accounts.models import ApiToken
    from vigil.accounts.tokens import AlreadyRotated, rotate_token
    from vigil.clock import database_wall_now

    overlap_s = 0 if args.overlap == "0" else seconds(args.overlap)
    if overlap_s > _OVERLAP_MOST_S:
        raise CommandError("both tokens work for 7 days at most: write 1h, 7d, or 0")
    with transaction.atomic():
        old = _named(args.token, ApiToken.objects.select_for_update(of=("self",)))
        try:
            made = rotate_token(old, timedelta(seconds=overlap_s), database_wall_now())
        except AlreadyRotated as refused:
            raise CommandError(str(refused)) from None
    return _show(*made, as_json=args.json)


def _named(token: str, rows: QuerySet[ApiToken]) -> ApiToken:
    prefix = token.removeprefix("vgl_").partition("_")[0]
    found = rows.select_related("team", "user").filter(prefix=prefix).first()
    if found is None:
        raise CommandError(f"there is no token vgl_{prefix[:20]}: `manage.py token list` shows them")
    return found


def _revoke(args: argparse.Namespace) -> int:
    from vigil.accounts.models import ApiToken

    token = _named(args.token, ApiToken.objects.all())
    row = _row(token)
    _note("revoked", token)
    token.delete()
    print(json.dumps(row) if args.json else f"revoked {row['token']} ({token.name})")
    return 0


def _note(what: str, token: ApiToken) -> None:
    """Say on standard error who did this, as the processes log it."""
    from vigil.accounts.tokens import audit_line

    line = audit_line(what, token, f"command line of {getpass.getuser()}")
    print(LogfmtRenderer(key_order=["event"])(None, "info", dict(line)), file=sys.stderr)


def _lifetime_s(length: str) -> int:
    lifetime_s = seconds(length)
    if not 60 <= lifetime_s <= _LIFETIME_MOST_S:
        raise CommandError("a token ends after 1 minute to 10 years: write 90d, or `never`")
    return lifetime_s


def _row(token: ApiToken) -> dict[str, Any]:
    return {
        "token": f"vgl_{token.prefix}",
        "name": token.name,
        "scopes": token.scopes,
        "person": token.user.username if token.user else "",
        "last_used": _day(token.last_used_at),
        "expires": _day(token.expires_at),
    }


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""
