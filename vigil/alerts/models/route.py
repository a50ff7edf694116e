"""A rule that picks channels."""

from __future__ import annotations

from django.db import models

from vigil.accounts.models import Team
from vigil.alerts.models.channel import Channel
from vigil.monitors.models import Monitor


class Route(models.Model):
    """A rule that picks channels; of a team's routes in order of position, the first that matches decides.

    No kinds means outage, degraded and account: regional and blind incidents are told only where they are named.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="routes")
    name = models.CharField(max_length=100)
    position = models.PositiveIntegerField(default=100)
    kinds = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True, help_text="Monitors with any of these tags; none means all.")
    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, null=True, blank=True, related_name="routes")
    channels = models.ManyToManyField(Channel, related_name="routes", blank=True)
    notes = models.BooleanField(default=False, help_text="Also tell of notes between trigger and resolve.")
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ("team_id", "position", "id")

    def __str__(self) -> str:
        return self.name
