"""Silence model."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.monitors.models import Monitor
from vigil.silences.core.windows import WindowSchedule
from vigil.visible_text import visible_line


def new_silence() -> str:
    return public_ids.new("sil")


class Silence(models.Model):
    """A reason not to alert (mutes), not to check (pauses) or not to count (excludes), in its windows.

    Written through `changes` only. Rows are versioned: a change ends one and adds another, so past uptime does not
    change.
    """

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_silence, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="silences")
    name = models.CharField(max_length=100, validators=[visible_line])
    reason = models.CharField(max_length=500, blank=True, default="")
    mutes = models.BooleanField(default=True, help_text="Alerts are held, and sent at its end if still due.")
    pauses = models.BooleanField(default=False, help_text="Nothing is checked; that time does not count in uptime.")
    excludes = models.BooleanField(default=False, help_text="Time within it does not count in uptime.")
    every_monitor = models.BooleanField(default=False)
    monitors = models.ManyToManyField(Monitor, related_name="silences", blank=True)
    tags = models.JSONField(default=list, blank=True, help_text="Monitors with any of these tags.")
    regions = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        help_text="Only alerts of regional incidents in these regions; every alert if empty.",
    )
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    cron = models.CharField(max_length=100, blank=True, default="", help_text="Start of each window: 30 2 * * SUN.")
    duration_s = models.PositiveIntegerField(default=0)
    zone = models.CharField(max_length=64, default="UTC", help_text="Time zone of the cron expression.")
    valid_from = models.DateTimeField(null=True, blank=True, editable=False)
    valid_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.CharField(max_length=120, blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-id",)
        constraints = [
            models.CheckConstraint(
                condition=Q(mutes=True) | Q(pauses=True) | Q(excludes=True), name="silence_does_something"
            ),
            models.CheckConstraint(
                condition=Q(regions=[]) | Q(mutes=True, pauses=False, excludes=False),
                name="silence_of_regions_only_mutes",
            ),
            models.CheckConstraint(
                condition=~Q(cron="") | Q(starts_at__isnull=False, ends_at__isnull=False), name="silence_has_a_time"
            ),
        ]
        indexes = [
            # Used for every incident step, and by dispatch: the few current silences.
            models.Index(fields=["team", "ends_at"], name="silence_valid", condition=Q(valid_until=None)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def schedule(self) -> WindowSchedule:
        """Its times as the pure functions take them."""
        return WindowSchedule(
            starts=self.starts_at,
            ends=self.ends_at,
            cron=self.cron,
            duration=timedelta(seconds=self.duration_s),
            zone=self.zone,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )
