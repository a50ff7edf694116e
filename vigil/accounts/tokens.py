"""API tokens: issue and lookup of `vgl_<prefix>_<secret>`."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache

from django.db import connection
from django.db.models import Model

from vigil.accounts import public_ids
from vigil.accounts.models import WRITERS, ApiToken, Scope, Team, User

PREFIX_LENGTH = 8
#: How long a new token lives unless something else is asked for, `never` included.
LIFETIME = timedelta(days=365)
#: Accuracy of `last_used_at`: a write per request would cost too much.
LAST_USED_GRAIN = timedelta(minutes=5)
#: A team has this many tokens at most.
TOKENS_MOST = 200
#: How long a token that has ended is still listed.
ENDED_KEPT = timedelta(days=30)
_INCLUDED: Mapping[str, frozenset[Scope]] = {
    Scope.WRITE: frozenset({Scope.READ, Scope.WRITE, Scope.RESPOND, Scope.PUBLISH, Scope.PING}),
    **{scope: frozenset({scope}) for scope in (Scope.READ, Scope.RESPOND, Scope.PUBLISH, Scope.PING, Scope.ENROL)},
}


# A request that changes much notes it in its transaction: the others of its token do not wait for it.
_NOTE_USE = """
UPDATE accounts_apitoken SET last_used_at = %s
WHERE id = (SELECT id FROM accounts_apitoken WHERE id = %s FOR UPDATE SKIP LOCKED)
"""


class AlreadyRotated(Exception):
    """A token has one successor at most: of two rotations at once, one wins."""


def issue_token(
    team: Team,
    name: str,
    scopes: Sequence[Scope] = (Scope.READ,),
    user: User | None = None,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Create a token; returns the row and the plain token, which is not stored."""
    prefix = "".join(secrets.choice(public_ids.ALPHABET) for _ in range(PREFIX_LENGTH))
    plain = f"vgl_{prefix}_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        team=team,
        user=user,
        name=name,
        prefix=prefix,
        sha256=_digest(plain),
        scopes=[str(scope) for scope in scopes],
        expires_at=expires_at,
    )
    return token, plain


def rotate_token(
    token: ApiToken, overlap: timedelta, now: datetime, latest: datetime | None = None
) -> tuple[ApiToken, str]:
    """Issue a successor with the same rights and a life as long, to `latest` at most; the old one ends after `overlap`.

    Call inside a transaction with the token's row locked. Raises `AlreadyRotated` where it has a successor.
    """
    if token.successor is not None:
        named = f"vgl_{token.successor.prefix} ({token.successor.public_id})"
        raise AlreadyRotated(f"It was rotated already: use {named}, or revoke that one and rotate this one again.")
    life = token.expires_at - token.created_at if token.expires_at else None
    ends_at = now + overlap
    expires_at = min(filter(None, (latest, None if life is None else now + life)), default=None)
    made = issue_token(token.team, token.name, [Scope(scope) for scope in token.scopes], token.user, expires_at)
    token.successor = made[0]
    if token.expires_at is None or token.expires_at > ends_at:
        token.expires_at = ends_at
    token.save(update_fields=["expires_at", "successor"])
    return made


def has_room(team: Team, now: datetime) -> bool:
    """Whether a team may have another token; those that ended a month ago are dropped first."""
    tokens = ApiToken.objects.filter(team=team)
    tokens.filter(expires_at__lt=now - ENDED_KEPT).delete()
    return tokens.count() < TOKENS_MOST


def rights_of(scopes: Iterable[str]) -> frozenset[Scope]:
    """Every scope that these include: `write` is all that a member may do, `enrol` only adds regions."""
    return frozenset[Scope]().union(*(_INCLUDED.get(scope, frozenset()) for scope in scopes))


def rights_of_role(role: str | None, staff: bool) -> frozenset[Scope]:
    """Every scope of a person by their role; staff that may write also adds regions."""
    found = rights_of([Scope.WRITE] if role in WRITERS else [Scope.READ] if role else [])
    return found | {Scope.ENROL} if staff and role in WRITERS else found


def audit_line(what: str, token: ApiToken, actor: str) -> dict[str, str]:
    """The event of a log that says who issued or revoked a token, without its secret."""
    return {
        "event": f"token.{what}",
        "actor": actor,
        "token": f"vgl_{token.prefix}",
        "name": token.name,
        "team": token.team.public_id,
        "person": token.user.username if token.user else "",
        "scopes": " ".join(token.scopes),
        "expires": token.expires_at.isoformat() if token.expires_at else "never",
    }


def find_token(plain: str, now: datetime) -> ApiToken | None:
    """The valid token with this plain text, with the person's `role`, or None; notes coarsely that it was used.

    A token of a person is valid while the person is active and a member of the token's team.
    """
    parts = plain.split("_", 2)
    if len(plain) > 100 or len(parts) != 3 or parts[0] != "vgl":
        return None
    token = _read(parts[1])
    if token is None or not hmac.compare_digest(token.sha256, _digest(plain)):
        return None
    if token.expires_at and token.expires_at <= now:
        return None
    if token.user and not (token.user.is_active and token.role):
        return None
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_GRAIN:
        with connection.cursor() as cursor:
            cursor.execute(_NOTE_USE, [now, token.pk])
    return token


def _read(prefix: str) -> ApiToken | None:
    """The token of a prefix with its team, user and role. Each request asks for it: the statement is built once."""
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [prefix])
        row = cursor.fetchone()
    if row is None:
        return None
    names = [field.attname for field in ApiToken._meta.concrete_fields]
    values = dict(zip(names, row, strict=False))
    token = ApiToken.from_db(connection.alias, names, [*{**values, "scopes": json.loads(values["scopes"])}.values()])
    begin = len(names)
    for name, model in (("team", Team), ("user", User)):
        fields = [field.attname for field in model._meta.concrete_fields]
        if getattr(token, f"{name}_id") is not None:
            setattr(token, name, model.from_db(connection.alias, fields, row[begin : begin + len(fields)]))
        begin += len(fields)
    token.role = row[-1]
    return token


@cache
def _statement() -> str:
    tables: tuple[tuple[str, type[Model]], ...] = (("k", ApiToken), ("t", Team), ("u", User))
    columns = [f'{table}."{field.column}"' for table, model in tables for field in model._meta.concrete_fields]
    return f"""
        SELECT {", ".join(columns)}, m.role FROM accounts_apitoken k JOIN accounts_team t ON t.id = k.team_id
        LEFT JOIN accounts_user u ON u.id = k.user_id
        LEFT JOIN accounts_membership m ON m.user_id = k.user_id AND m.team_id = k.team_id WHERE k.prefix = %s
    """


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
