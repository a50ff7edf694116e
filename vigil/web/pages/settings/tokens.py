"""API tokens: issue, shown once; rotate with an overlap; revoke."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from vigil.accounts.models import ApiToken, Membership, Scope
from vigil.accounts.token_changes import LIFE_MOST_DAYS, TokenIssuer, issue, revoke, rotate, tokens_of
from vigil.accounts.tokens import LIFETIME, AlreadyRotated, rights_of_role
from vigil.clock import database_wall_now
from vigil.visible_text import visible_line
from vigil.web.pages.settings.sections import never_stored, render_section
from vigil.web.pages.shell import PageReader, page
from vigil.web.parts.fields import FormField, problems

#: How long a rotated token goes on.
OVERLAP = timedelta(hours=1)
SCOPE_WORDS = {
    Scope.READ: "read: see everything of the team",
    Scope.WRITE: "write: change everything of the team",
    Scope.RESPOND: "respond: acknowledge, snooze and note",
    Scope.PUBLISH: "publish: write on status pages",
    Scope.PING: "ping: send pings of jobs",
    Scope.ENROL: "enrol: add regions",
}
_NAME_MOST, _DAYS = 100, str(LIFETIME.days)
Errors = dict[str, list[str]]


@require_http_methods(["GET", "HEAD", "POST"])
@page
@sensitive_variables()
def tokens(request: HttpRequest, reader: PageReader) -> HttpResponse:
    """Tokens that the person sees; a sent form issues one, which the answer shows once."""
    if request.method != "POST":
        return _listed(request, reader)
    reader.require_writer()
    try:
        name, scopes, days = _wanted(request)
        made, plain = issue(_issuer(reader), name, scopes, days, database_wall_now())
    except ValidationError as refused:
        return _listed(request, reader, {"errors": refused.message_dict})
    return never_stored(_listed(request, reader, {"made": made, "plain": plain}))


@require_POST
@page
@sensitive_variables()
def change(request: HttpRequest, reader: PageReader, public_id: str) -> HttpResponse:
    """Rotate a token, whose successor the answer shows once, or revoke it at once."""
    reader.require_writer()
    found = tokens_of(reader.team, reader.user, _role(reader))
    token = get_object_or_404(found, public_id=public_id)
    if request.POST.get("do") == "revoke":
        revoke(reader.user, token)
        return redirect("settings-tokens")
    try:
        made, plain = rotate(_issuer(reader), found, public_id, OVERLAP, database_wall_now())
    except ValidationError as refused:
        return _listed(request, reader, {"errors": refused.message_dict})
    except AlreadyRotated as refused:
        return _listed(request, reader, {"errors": {"__all__": [str(refused)]}})
    except ApiToken.DoesNotExist:
        return redirect("settings-tokens")
    return never_stored(_listed(request, reader, {"made": made, "plain": plain, "old": token}))


def _wanted(request: HttpRequest) -> tuple[str, list[str], int]:
    """Name, scopes and days of the form; raises `ValidationError` by field."""
    errors: Errors = {}
    name = request.POST.get("name", "").strip()
    scopes = [scope for scope in request.POST.getlist("scopes")[: len(Scope)] if scope in set(Scope)]
    days = request.POST.get("days", _DAYS)
    if not 0 < len(name) <= _NAME_MOST:
        errors["name"] = ["A name has 1 to 100 characters."]
    else:
        try:
            visible_line(name)
        except ValidationError as refused:
            errors["name"] = list(refused.messages)
    if not scopes:
        errors["scopes"] = ["Choose what it may do."]
    if not (days.isascii() and days.isdigit() and len(days) < 6 and 1 <= int(days) <= LIFE_MOST_DAYS):
        errors["days"] = [f"A token lives 1 to {LIFE_MOST_DAYS:,} days."]
    if errors:
        raise ValidationError(errors)
    return name, scopes, int(days)


def _listed(request: HttpRequest, reader: PageReader, more: Mapping[str, Any] | None = None) -> HttpResponse:
    shown = dict(more or {})
    errors: Errors = shown.pop("errors", {})
    now, role = database_wall_now(), _role(reader)
    rows = list(tokens_of(reader.team, reader.user, role).order_by("-created_at", "-pk"))
    rights = rights_of_role(role, reader.is_staff)
    shown |= {
        "tokens": [(one, _is_over(one, now), one.user_id in (None, reader.user.pk)) for one in rows],
        "fields": _fields(request, errors),
        "scopes": [
            (scope.value, SCOPE_WORDS[scope], _is_chosen(request, scope, errors)) for scope in Scope if scope in rights
        ],
        "scope_errors": errors.get("scopes", []),
        "problems": problems(errors),
        "now": now,
    }
    return render_section(request, reader, "tokens", "tokens.html", shown)


def _fields(request: HttpRequest, errors: Errors) -> list[FormField]:
    name, days = (request.POST.get("name", "")[:200], request.POST.get("days", _DAYS)[:10]) if errors else ("", _DAYS)
    return [
        FormField("name", "Name", name, hint="What uses it, such as CI.", errors=errors.get("name", ()), required=True),
        FormField("days", "Lives", days, "number", hint="Days until it ends.", errors=errors.get("days", ())),
    ]


def _is_chosen(request: HttpRequest, scope: Scope, errors: Errors) -> bool:
    return scope in request.POST.getlist("scopes") if errors else scope is Scope.READ


def _is_over(token: ApiToken, now: Any) -> bool:
    return token.expires_at is not None and token.expires_at <= now


def _issuer(reader: PageReader) -> TokenIssuer:
    return TokenIssuer(reader.user, reader.team, rights_of_role(_role(reader), reader.is_staff))


def _role(reader: PageReader) -> str | None:
    return Membership.objects.filter(user=reader.user, team=reader.team).values_list("role", flat=True).first()
