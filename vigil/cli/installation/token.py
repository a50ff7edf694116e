"""Create, list or revoke API tokens. A token belongs to the default team; it is shown only once.

  manage.py token add ci --scope read --scope write     create it, and print it
  manage.py token add reports --expires 90d             it ends by itself after 90 days, and not after a year
  manage.py token list                                  names, scopes, last use and end
  manage.py token revoke vgl_4kq7abcd                   it stops working at once

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
    from vigil.accounts.models import ApiToken

_SCOPES = ("read", "write")
_LIFETIME_MOST_S = 3_660 * 86_400


def add(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|revoke")
    adding = actions.add_parser("add", help="create a token and print it")
    adding.add_argument("name", help="what uses it, such as ci")
    adding.add_argument("--scope", action="append", choices=_SCOPES, default=[], help="repeatable (default: read)")
    adding.add_argument(
        "--expires", metavar="LENGTH", default="365d", help="when it ends, such as 90d, or `never` (default: 365d)"
    )
    listing = actions.add_parser("list", help="list the tokens")
    revoking = actions.add_parser("revoke", help="end a token")
    revoking.add_argument("token", help="its beginning as the list shows it, such as vgl_4kq7abcd")
    for action in (adding, listing, revoking):
        action.add_argument("--json", action="store_true", help="print JSON instead")
        action.add_argument("--data-dir", help="the data folder of the running `up`")


def run(args: argparse.Namespace) -> int:
    connect(args.data_dir)
    return {"add": _add, "list": _list, "revoke": _revoke}[args.action](args)


def _add(args: argparse.Namespace) -> int:
    from vigil.accounts.models import Scope
    from vigil.accounts.teams import default_team
    from vigil.accounts.tokens import issue_token
    from vigil.clock import database_wall_now
    from vigil.configuration import configuration

    name = args.name.strip()
    if not 0 < len(name) <= 100 or not name.isprintable():
        raise CommandError("a token's name has 1 to 100 printable characters")
    lifetime = None if args.expires == "never" else timedelta(seconds=_lifetime_s(args.expires))
    expires_at = None if lifetime is None else database_wall_now() + lifetime
    scopes = [Scope(scope) for scope in sorted(set(args.scope)) or ["read"]]
    token, plain = issue_token(default_team(), name, scopes, expires_at=expires_at)
    _note("issued", token)
    if args.json:
        print(json.dumps({**_row(token), "token": plain}))
        return 0
    base = configuration().base_url.rstrip("/")
    print(f"{plain}\n# Shown only now. It may {' and '.join(scopes)}. Try it:")
    print(f'curl -H "Authorization: Bearer {plain}" {base}/api/v1/monitors')
    return 0


def _list(args: argparse.Namespace) -> int:
    from vigil.accounts.models import ApiToken

    rows = [_row(token) for token in ApiToken.objects.select_related("user").order_by("name", "id")]
    print(json.dumps(rows) if args.json else aligned(rows) if rows else "none yet")
    return 0


def _revoke(args: argparse.Namespace) -> int:
    from vigil.accounts.models import ApiToken

    prefix = args.token.removeprefix("vgl_").partition("_")[0]
    token = ApiToken.objects.filter(prefix=prefix).first()
    if token is None:
        raise CommandError(f"there is no token vgl_{prefix[:20]}: `manage.py token list` shows them")
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
