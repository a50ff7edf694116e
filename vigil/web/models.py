"""Models of the pages: saved views, and actions that can be undone."""

from __future__ import annotations

from django.db import models

from vigil.accounts.models import Team, User
from vigil.accounts.public_ids import new


def action_id() -> str:
    return new("act")


class SavedView(models.Model):
    """A name for a query of the overview: of one person, in one team."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_views")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["user", "team", "name"], name="saved_view_once")]

    def __str__(self) -> str:
        return self.name


class BulkKind(models.TextChoices):
    PAUSE = "pause"
    RESUME = "resume"
    SILENCE = "silence"
    TAG = "tag"


class BulkAction(models.Model):
    """What a person did to several monitors at once, and what undoes it.

    `press` is the id of the form: the same press twice is one action. `done` names what was changed, by public ids.
    """

    public_id = models.CharField(max_length=40, unique=True, default=action_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    press = models.CharField(max_length=64)
    kind = models.CharField(max_length=10, choices=BulkKind.choices)
    done = models.JSONField(default=dict)
    said = models.CharField(max_length=200)
    at = models.DateTimeField(auto_now_add=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        constraints = [models.UniqueConstraint(fields=["user", "press"], name="bulk_action_once")]

    def __str__(self) -> str:
        return self.said
