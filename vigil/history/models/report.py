"""Report subscription of a team."""

from __future__ import annotations

from django.db import models

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.history.core.periods import Frequency


def new_report() -> str:
    return public_ids.new("rep")


class Report(models.Model):
    """A mailed report of each finished week or month, up to `sent_until`; a lease prevents two senders."""

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_report, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="reports")
    frequency = models.CharField(max_length=8, choices=[(each.value, each.value) for each in Frequency])
    recipients = models.JSONField(default=list)
    zone = models.CharField(max_length=64, default="UTC", help_text="Whose calendar.")
    tag = models.CharField(max_length=50, blank=True, default="", help_text="Only monitors with this tag.")
    enabled = models.BooleanField(default=True)
    sent_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    #: Names the sender that has claimed it; empty while it waits for another attempt.
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    last_error = models.CharField(max_length=300, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("team_id", "frequency", "id")
        constraints = (
            models.UniqueConstraint(fields=["team", "frequency", "tag"], name="one_report_per_team_frequency_and_tag"),
        )

    def __str__(self) -> str:
        return f"{self.frequency} report of {self.team_id}"
