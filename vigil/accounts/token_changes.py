"""The write path of tokens: a person issues, rotates and revokes them, with no more rights than they have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet

from vigil.accounts.models import ApiToken, Role, Scope, Team, User
from vigil.accounts.tokens import LIFETIME, TOKENS_MOST, audit_line, has_room, issue_token, rights_of, rotate_token

LIFE_MOST_DAYS, OVERLAP_MOST_S = 3_660, 7 * 86_400

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """A person who issues tokens, and their rights; `ends_at` is the end of the token that they use, if any."""

    person: User
    team: Team
    rights: frozenset[Scope]
    ends_at: datetime | None = None


def tokens_of(team: Team, person: User, role: str | None) -> QuerySet[ApiToken]:
    """Tokens that a person sees and revokes: an owner every one of the team, others their own."""
    found = ApiToken.objects.filter(team=team).select_related("user", "team")
    return found if role == Role.OWNER else found.filter(user=person)


def issue(
    issuer: TokenIssuer, name: str, scopes: Iterable[str], days: int | None, now: datetime
) -> tuple[ApiToken, str]:
    """A new token of the person, and its plain text; raises `ValidationError` keyed by `name`, `scopes` or `days`.

    Without `days` it lives as long as is usual, and no longer than the token that issues it.
    """
    wanted = sorted(set(scopes))
    beyond = sorted(rights_of(wanted) - issuer.rights)
    if beyond:
        problem = f"You may not grant {', '.join(beyond)}: a token has no rights that its issuer lacks."
        raise ValidationError({"scopes": [problem]})
    expires_at = now + (LIFETIME if days is None else timedelta(days=days))
    if days is None:
        expires_at = min(filter(None, (expires_at, issuer.ends_at)))
    elif issuer.ends_at is not None and expires_at > issuer.ends_at:
        problem = f"The token that issues it ends at {issuer.ends_at.isoformat()}, and it may not live longer."
        raise ValidationError({"days": [problem]})
    with transaction.atomic():
        _make_room(issuer.team, now)
        made = issue_token(issuer.team, name, [Scope(scope) for scope in wanted], issuer.person, expires_at)
    log.info(**audit_line("issued", made[0], issuer.person.get_username()))
    return made


def rotate(
    issuer: TokenIssuer, found: QuerySet[ApiToken], public_id: str, overlap: timedelta, now: datetime
) -> tuple[ApiToken, str]:
    """A successor of one of the tokens `found`, which ends after the overlap.

    Raises `ApiToken.DoesNotExist`, `PermissionDenied` for a token of another person or with more rights, and
    `AlreadyRotated`.
    """
    with transaction.atomic():
        token = found.select_for_update(of=("self",)).get(public_id=public_id)
        if token.user_id not in (None, issuer.person.pk):
            raise PermissionDenied("Only they rotate a token of a person: its secret acts in their name.")
        if not rights_of(token.scopes) <= issuer.rights:
            raise PermissionDenied("You may not rotate a token with rights that you lack.")
        _make_room(token.team, now)
        made = rotate_token(token, overlap, now, issuer.ends_at)
    log.info(**audit_line("issued", made[0], issuer.person.get_username()))
    return made


def revoke(person: User, token: ApiToken) -> None:
    """End a token at once."""
    log.info(**audit_line("revoked", token, person.get_username()))
    token.delete()


def _make_room(team: Team, now: datetime) -> None:
    """Lock the team's tokens against others that issue one, and refuse where there is no room for another."""
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    if not has_room(team, now):
        raise ValidationError({"name": [f"A team has at most {TOKENS_MOST} tokens: revoke some."]})
