"""Account models: users, teams, memberships, API tokens, stored answers and login links."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models

from vigil.accounts import public_ids
from vigil.accounts.sealed import SealedTextField
from vigil.visible_text import visible_line


class User(AbstractUser):
    """A person who may sign in. What they may see is decided by their memberships.

    A new password ends the person's API tokens and unused login links, as Django ends the sessions: it is changed when
    another may know it. Tokens of a team without a person stay.
    """

    class Meta(AbstractUser.Meta):
        pass

    def save(self, *args: Any, **options: Any) -> None:
        # Set by `set_password` until the row is saved; not when a login only renews the hash.
        has_new_password = getattr(self, "_password", None) is not None and self.pk is not None
        super().save(*args, **options)
        if has_new_password:
            self.api_tokens.all().delete()
            self.login_links.filter(used_at=None).delete()


class Team(models.Model):
    """Owner of monitors and alerting (tenant); no query crosses teams."""

    public_id = models.CharField(
        max_length=public_ids.MAX_LENGTH, unique=True, default=public_ids.new_team, editable=False
    )
    name = models.CharField(max_length=100, validators=[visible_line])
    slug = models.SlugField(max_length=40, unique=True)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = "owner"
    MEMBER = "member"
    VIEWER = "viewer"


#: Roles that may change what belongs to their team.
WRITERS = frozenset({Role.OWNER, Role.MEMBER})


class Membership(models.Model):
    """Role of a person in a team: a viewer reads, a member changes, an owner also invites."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="one_membership_per_user_and_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Scope(models.TextChoices):
    """What a token may do: `respond` acknowledges, snoozes and notes; `publish` writes public incidents and planned
    maintenance; `ping` sends pings; `enrol` adds regions."""

    READ = "read"
    WRITE = "write"
    RESPOND = "respond"
    PUBLISH = "publish"
    PING = "ping"
    ENROL = "enrol"


def default_scopes() -> list[str]:
    return [Scope.READ.value]


class ApiToken(models.Model):
    """A program's key to one team. Only its SHA-256 is stored; `prefix` finds the row.

    A token of a person acts with their role in its team. Triggers delete it with the membership, and when the person
    is deactivated; a token without a person belongs to the team.
    """

    #: The person's role in the token's team, where `tokens.find_token` has read it.
    role: str | None = None

    public_id = models.CharField(
        max_length=public_ids.MAX_LENGTH, unique=True, default=public_ids.new_token, editable=False
    )
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="api_tokens")
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, blank=True, related_name="api_tokens")
    name = models.CharField(max_length=100, validators=[visible_line])
    prefix = models.CharField(max_length=12, unique=True, editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=default_scopes)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    #: Whom a rotation has made in its place. Where that one is revoked, this one may be rotated again.
    successor = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="predecessor"
    )

    def __str__(self) -> str:
        return f"{self.name} (vgl_{self.prefix}...)"


class StoredAnswer(models.Model):
    """The answer to a change under an idempotency key, for a day. Its body is sealed: it may show a secret once."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    caller = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    location = models.CharField(max_length=500, blank=True)
    body = SealedTextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "caller", "key"], name="one_answer_per_key")]

    def __str__(self) -> str:
        return f"{self.status} for {self.caller}"


class LoginLink(models.Model):
    """A link that signs one person in, once. Only its SHA-256 is stored."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="login_links")
    sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"login link for {self.user}"
