"""Admin of people, teams and tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from vigil.accounts.models import ApiToken, Membership, Scope, Team, User
from vigil.accounts.tokens import LIFETIME, AlreadyRotated, audit_line, issue_token, rotate_token
from vigil.web.admin.lists.pages import BoundedListAdmin
from vigil.web.admin.pieces import TeamAdminBase

#: Tokens rotated at once, and how long both work.
ROTATED_MOST, OVERLAP = 20, timedelta(hours=1)

#: What a person may do on these pages.
_RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")

log = structlog.get_logger(__name__)


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ("team",)


@admin.register(User)
class PeopleAdmin(BoundedListAdmin, UserAdmin):  # type: ignore[type-arg]
    inlines = (MembershipInline,)
    filter_horizontal = ("user_permissions",)
    autocomplete_fields = ("groups",)
    list_display = ("username", "email", "is_active", "is_staff", "last_login")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Rights are given by superusers alone: who may change people would else give them to itself."""
        return super().get_readonly_fields(request, obj) if request.user.is_superuser else _RIGHTS

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Other people with access to these pages are changed by superusers alone: a new password is their rights."""
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Django's own, with a word on which of the two kinds of rights counts where."""
        told = {"description": "For these admin pages. In the API and in alerts the role in a team counts, below."}
        return [
            (name, {**options, **(told if "user_permissions" in options.get("fields", ()) else {})})
            for name, options in super().get_fieldsets(request, obj)
        ]


def _may_touch(request: HttpRequest, person: Any) -> bool:
    has_rights = person is not None and (person.is_staff or person.is_superuser) and person.pk != request.user.pk
    return bool(request.user.is_superuser) or not has_rights


admin.site.unregister(Group)


@admin.register(Group)
class RightsGroupAdmin(BoundedListAdmin, GroupAdmin):
    """Groups of rights for these pages, which superusers alone make and change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


@admin.register(Team)
class TeamAdmin(BoundedListAdmin):
    list_display = ("name", "slug", "public_id")
    search_fields = ("name", "slug", "public_id")
    ordering = ("name", "id")
    readonly_fields = ("public_id",)


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(choices=Scope.choices, initial=[Scope.READ])

    class Meta:
        model = ApiToken
        fields = ("team", "user", "name", "scopes", "expires_at")
        help_texts = {"expires_at": "Empty: it never ends."}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "expires_at" in self.fields:
            self.fields["expires_at"].initial = timezone.now() + LIFETIME

    def clean(self) -> dict[str, Any]:
        wanted = super().clean() or self.cleaned_data
        team, user = wanted.get("team"), wanted.get("user")
        if team and user and not Membership.objects.filter(team=team, user=user).exists():
            self.add_error("user", "This person is not a member of the team.")
        return wanted


@admin.register(ApiToken)
class ApiTokenAdmin(TeamAdminBase):
    """Tokens are issued, rotated and revoked, never changed; the token itself is shown once."""

    actions = ("rotate",)

    form = TokenForm
    list_display = ("name", "prefix", "team", "user", "scopes", "expires_at", "last_used_at")
    list_filter = ("team",)
    search_fields = ("name", "prefix", "public_id")
    autocomplete_fields = ("team", "user")
    list_select_related = ("team", "user")
    ordering = ("-pk",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: forms.ModelForm[Any], change: bool) -> None:
        wanted = form.cleaned_data
        token, plain = issue_token(
            wanted["team"], wanted["name"], wanted["scopes"], user=wanted["user"], expires_at=wanted["expires_at"]
        )
        obj.pk = token.pk
        log.info(**audit_line("issued", token, request.user.get_username()))
        messages.warning(request, f"The token, shown only now: {plain}")

    @admin.action(description="Rotate: issue a successor; the old one ends in an hour", permissions=("add",))
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        with transaction.atomic():
            for old in queryset.select_for_update(of=("self",)).select_related("team", "user")[:ROTATED_MOST]:
                try:
                    token, plain = rotate_token(old, OVERLAP, timezone.now())
                except AlreadyRotated as refused:
                    messages.error(request, f"{old.name}: {refused}")
                    continue
                log.info(**audit_line("issued", token, request.user.get_username()))
                messages.warning(request, f"The successor of {old.name}, shown only now: {plain}")

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        log.info(**audit_line("revoked", obj, request.user.get_username()))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset:
            self.delete_model(request, token)
