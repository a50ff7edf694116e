"""Access models: the headroom of each monitor's key, and what each region may do at each provider.

Written by ingest alone, a row a monitor or region and not a row a check.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from vigil.access.core.region_access import EVIDENCE_LIMIT, KEPT_OUT, Access
from vigil.accounts.models import Team
from vigil.monitors.models import Monitor


class KeyHeadroom(models.Model):
    """The quotas of a monitor's key as of `at`, and the latches of its warning and of its shortage."""

    monitor = models.OneToOneField(Monitor, on_delete=models.CASCADE, primary_key=True, related_name="headroom")
    at = models.DateTimeField()
    quotas = models.JSONField(default=list)
    warned = models.BooleanField(default=False)
    warned_turning_s = models.FloatField(null=True)
    short = models.BooleanField(default=False)
    short_turning_s = models.FloatField(null=True)

    def __str__(self) -> str:
        return f"headroom of {self.monitor_id}"


class RegionAccess(models.Model):
    """What a region may do at a host of a provider, since when, and the evidence of the check that showed it."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    provider = models.CharField(max_length=40, blank=True, default="")
    host = models.CharField(max_length=253)
    region = models.CharField(max_length=40)
    access = models.CharField(max_length=24, choices=[(one.value, one.value) for one in Access])
    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    evidence = models.CharField(max_length=EVIDENCE_LIMIT, blank=True, default="")
    #: Another access that one check has shown since, and when (ms).
    next = models.CharField(max_length=24, blank=True, default="")
    next_ms = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "access of regions"
        ordering = ("provider", "host", "region")
        constraints = (
            models.UniqueConstraint(fields=["team", "provider", "host", "region"], name="access_of_region_once"),
        )
        indexes = (
            # Used to find what is to be told.
            models.Index(
                fields=["team", "host"],
                name="access_kept_out",
                condition=Q(access__in=sorted(one.value for one in KEPT_OUT)),
            ),
        )

    def __str__(self) -> str:
        return f"{self.region} at {self.host}: {self.access}"
