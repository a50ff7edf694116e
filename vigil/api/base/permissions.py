"""API permissions: the team of a request, and its right to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from vigil.accounts.models import WRITERS, ApiToken, Scope, Team, User
from vigil.accounts.teams import membership_of

if TYPE_CHECKING:
    # The views import this module, by its name in the settings.
    from rest_framework.views import APIView


def team_of(request: Request) -> Team | None:
    """Team of a request: the token's, else that of the person's oldest membership."""
    if isinstance(request.auth, ApiToken):
        return request.auth.team
    membership = membership_of(request.user) if isinstance(request.user, User) else None
    return membership.team if membership else None


def may_write(request: Request) -> bool:
    """Whether a request may change what belongs to its team: by the role in that team, and by the token's scope."""
    token = request.auth
    if isinstance(token, ApiToken):
        return Scope.WRITE in token.scopes and (token.user is None or token.role in WRITERS)
    membership = membership_of(request.user) if isinstance(request.user, User) else None
    return membership is not None and membership.role in WRITERS


class InTeamWithScope(BasePermission):
    """Reading requires a team; writing also the scope `write`, and for a person more than the role of a viewer."""

    message = "This needs a team, and for changes a token with the scope `write`."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user or not request.user.is_authenticated or team_of(request) is None:
            return False
        if request.method in SAFE_METHODS:
            token = request.auth
            return not isinstance(token, ApiToken) or bool({Scope.READ, Scope.WRITE} & set(token.scopes))
        return may_write(request)


class StaffChanges(InTeamWithScope):
    """For rows of the installation: everyone reads, only staff writes."""

    message = "Only staff may change this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not super().has_permission(request, view):
            return False
        return request.method in SAFE_METHODS or bool(getattr(request.user, "is_staff", False))


class StaffOnly(InTeamWithScope):
    """For what of the installation may hold anybody's bytes: only staff reads and changes it."""

    message = "Only staff may see this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and bool(getattr(request.user, "is_staff", False))


class WritersOnly(InTeamWithScope):
    """For addresses and keys that act when they are called: only callers that may change things see them."""

    message = "Only callers that may change this may see it."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and may_write(request)
