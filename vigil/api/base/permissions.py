"""API permissions: the team of a request, and the scope that each operation needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from vigil.accounts.models import ApiToken, Membership, Scope, Team, User
from vigil.accounts.teams import membership_of
from vigil.accounts.tokens import rights_of, rights_of_role

if TYPE_CHECKING:
    # The views import this module, by its name in the settings.
    from rest_framework.views import APIView

#: Operation (the view's name, the action) -> the scope it needs. Any other reads with `read` and changes with `write`.
SCOPES: Mapping[tuple[str, str], Scope] = {
    ("incident", "acknowledge"): Scope.RESPOND,
    ("incident", "snooze"): Scope.RESPOND,
    ("incident", "add_note"): Scope.RESPOND,
    ("heartbeat", "ping"): Scope.PING,
    ("heartbeat", "ping_by_slug"): Scope.PING,
    ("region", "create"): Scope.ENROL,
    **{
        (what, action): Scope.PUBLISH
        for what in ("public-incident", "scheduled-maintenance")
        for action in (
            "create", "partial_update", "destroy", "updates", "one_update", "remove_update", "postmortem",
        )
    },
}  # fmt: skip


def team_of(request: Request) -> Team | None:
    """Team of a request: the token's, else that of the person's oldest membership."""
    if isinstance(request.auth, ApiToken):
        return request.auth.team
    membership = _membership(request)
    return membership.team if membership else None


def role_of(request: Request) -> str | None:
    """Role of the person behind a request in its team; None for a token of a team."""
    if isinstance(request.auth, ApiToken):
        return request.auth.role
    membership = _membership(request)
    return membership.role if membership else None


def scope_of(request: Request, view: APIView) -> Scope:
    """The scope that an operation needs."""
    operation = getattr(view, "basename", ""), getattr(view, "action", "") or ""
    return SCOPES.get(operation) or (Scope.READ if request.method in SAFE_METHODS else Scope.WRITE)


def missing_scope(request: Request, view: APIView) -> Scope | None:
    """The scope that an operation needs and its caller lacks; None where it is refused for something else."""
    if team_of(request) is None:
        return None
    permissions, has = view.get_permissions(), rights(request)
    hidden = any(isinstance(each, WritersOnly) for each in permissions)
    needed = [] if any(isinstance(each, AnyScope) for each in permissions) else [scope_of(request, view)]
    return next((scope for scope in [*needed, *([Scope.WRITE] if hidden else [])] if scope not in has), None)


def rights(request: Request) -> frozenset[Scope]:
    """Every scope that a request has: its token's, within the person's role; a person's own by role alone."""
    token, user = request.auth, request.user
    of_role = rights_of_role(role_of(request), is_staff(request))
    if not isinstance(token, ApiToken):
        return of_role if isinstance(user, User) else frozenset()
    granted = rights_of(token.scopes)
    if token.user is None:
        return granted
    # Who may add regions may do so with a token of theirs that may write.
    return (granted | {Scope.ENROL} if Scope.WRITE in granted else granted) & of_role


def may_write(request: Request) -> bool:
    """Whether a request may change what belongs to its team."""
    return Scope.WRITE in rights(request)


def is_staff(request: Request) -> bool:
    return bool(getattr(request.user, "is_staff", False))


def _membership(request: Request) -> Membership | None:
    return membership_of(request.user) if isinstance(request.user, User) else None


class InTeamWithScope(BasePermission):
    """Every operation needs a team and its scope; a person's role bounds their tokens."""

    message = "This needs a team."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user or not request.user.is_authenticated or team_of(request) is None:
            return False
        return scope_of(request, view) in rights(request)


class AnyScope(BasePermission):
    """For what a caller may know of itself: a team is enough."""

    message = "This needs a team."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user and request.user.is_authenticated) and team_of(request) is not None


class StaffChanges(InTeamWithScope):
    """For rows of the installation: everyone reads, only staff writes; regions are added with the scope `enrol` too."""

    message = "Only staff may change this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not super().has_permission(request, view):
            return False
        if request.method in SAFE_METHODS or is_staff(request):
            return True
        # Only the command line, the admin and staff issue it.
        return scope_of(request, view) is Scope.ENROL


class StaffOnly(InTeamWithScope):
    """For what of the installation may hold the bytes of any team: only staff reads and changes it."""

    message = "Only staff may see this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and is_staff(request)


class WritersOnly(InTeamWithScope):
    """For addresses and keys that act when they are called: only callers that may change things see them."""

    message = "Only callers that may change this may see it."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return super().has_permission(request, view) and may_write(request)
