"""Route model: a node of the routing tree."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.alerts.core.routes import Hours
from vigil.alerts.models.channel import Channel
from vigil.alerts.models.escalation import EscalationPolicy
from vigil.monitors.models import Monitor
from vigil.visible_text import visible_line

MIN_REMIND_S, MAX_REMIND_S = 60, 7 * 24 * 3600


def new_route() -> str:
    return public_ids.new("rte")


class Route(models.Model):
    """A rule that picks channels and a policy. The first match by position wins, unless it goes on to the next.

    A default matches when no other route did. Without kinds it matches what pages: regional, blind and self-test
    incidents must be named.
    """

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_route, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="routes")
    name = models.CharField(max_length=100, validators=[visible_line])
    position = models.PositiveIntegerField(default=100)
    kinds = models.JSONField(default=list, blank=True)
    severities = models.JSONField(default=list, blank=True)
    priorities = models.JSONField(default=list, blank=True)
    tags = models.JSONField(default=list, blank=True, help_text="Monitors with any of these tags; none means all.")
    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, null=True, blank=True, related_name="routes")
    days = models.JSONField(default=list, blank=True, help_text="Days of the week, Monday is 0; none means all.")
    starts = models.TimeField(null=True, blank=True)
    ends = models.TimeField(null=True, blank=True, help_text="An end before the start is on the next day.")
    zone = models.CharField(max_length=64, default="UTC", help_text="Time zone of the times.")
    channels = models.ManyToManyField(Channel, related_name="routes", blank=True)
    policy = models.ForeignKey(
        EscalationPolicy, on_delete=models.SET_NULL, null=True, blank=True, related_name="routes"
    )
    remind_s = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(MIN_REMIND_S), MaxValueValidator(MAX_REMIND_S)],
        help_text="Seconds between reminders until somebody acknowledges; empty for none.",
    )
    notes = models.BooleanField(default=False, help_text="Also send notes between trigger and resolve.")
    goes_on = models.BooleanField(default=False, help_text="After a match, let the next routes match too.")
    default = models.BooleanField(default=False, help_text="Matches when no other route did.")
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ("team_id", "position", "id")

    def __str__(self) -> str:
        return self.name

    @property
    def hours(self) -> Hours:
        """Its weekly time window."""
        return Hours(frozenset(self.days), self.starts, self.ends, self.zone)
