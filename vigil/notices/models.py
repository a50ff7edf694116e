"""Notice model: a notice that was told."""

from __future__ import annotations

from django.db import models

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.monitors.models import Monitor
from vigil.notices.core.notice import CHANGE_LIMIT, KEY_LIMIT, KIND_WORDS, TITLE_LIMIT, NoticeKind


def new_notice() -> str:
    return public_ids.new("ntc")


def notice_kinds() -> list[tuple[str, str]]:
    """Choices of kinds; a callable, so that no migration lists them."""
    return [(kind.value, KIND_WORDS[kind]) for kind in NoticeKind]


class ForgottenNotices(models.Model):
    """How many notices of a kind were deleted since they were old: a counter of what was told never falls."""

    kind = models.CharField(max_length=40, primary_key=True)
    count = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.kind}: {self.count}"


class StoredNotice(models.Model):
    """A notice as it was told, once for each `key` of a kind. `created_at` is when Vigil stored it."""

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_notice, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=40, choices=notice_kinds)
    key = models.CharField(max_length=KEY_LIMIT)
    monitor = models.ForeignKey(Monitor, on_delete=models.SET_NULL, null=True, blank=True, related_name="notices")
    title = models.CharField(max_length=TITLE_LIMIT)
    before = models.CharField(max_length=CHANGE_LIMIT, blank=True, default="")
    after = models.CharField(max_length=CHANGE_LIMIT, blank=True, default="")
    at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    #: Primary keys of further monitors that it concerns, while it is told; not stored.
    others: tuple[int, ...] = ()

    class Meta:
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=["team", "kind", "key"], name="notice_told_once")]
        indexes = [
            # Used by the list of a team, newest first.
            models.Index(fields=["team", "-id"], name="notice_of_team"),
        ]

    def __str__(self) -> str:
        return self.title
