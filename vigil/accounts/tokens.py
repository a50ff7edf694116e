"""API tokens: issue and lookup of `vgl_<prefix>_<secret>`."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import OuterRef, Subquery

from vigil.accounts import public_ids
from vigil.accounts.models import ApiToken, Membership, Scope, Team, User

PREFIX_LENGTH = 8
#: How long a new token lives unless something else is asked for, `never` included.
LIFETIME = timedelta(days=365)
#: Accuracy of `last_used_at`: a write per request would cost too much.
LAST_USED_GRAIN = timedelta(minutes=5)


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
    membership = Membership.objects.filter(user=OuterRef("user"), team=OuterRef("team"))
    tokens = ApiToken.objects.select_related("team", "user").annotate(role_in_team=Subquery(membership.values("role")))
    token = tokens.filter(prefix=parts[1]).first()
    if token is None or not hmac.compare_digest(token.sha256, _digest(plain)):
        return None
    if token.expires_at and token.expires_at <= now:
        return None
    token.role = token.role_in_team
    if token.user and not (token.user.is_active and token.role):
        return None
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_GRAIN:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def _digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()
