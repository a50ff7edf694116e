"""Model watch models: lists as regions saw them, what was told of them, dates that were told, and models of files."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q

from vigil.accounts.models import Team
from vigil.accounts.sealed import SealedTextField
from vigil.model_watch.core.used_models import MODEL_LIMIT
from vigil.monitors.models import Monitor, Region


def new_feed_key() -> str:
    return secrets.token_urlsafe(24)


class SeenList(models.Model):
    """The last models list of a monitor that a region told. `rows` are packed; `total` counts rows left out as well."""

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="seen_lists")
    region = models.ForeignKey(Region, on_delete=models.CASCADE, related_name="seen_lists")
    revision = models.BigIntegerField()
    provider = models.CharField(max_length=40)
    at = models.DateTimeField()
    rows = models.BinaryField()
    total = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["monitor", "region"], name="one_seen_list_of_region")]

    def __str__(self) -> str:
        return f"{self.monitor_id} {self.region_id} {self.total}"


class ListState(models.Model):
    """What was told of a monitor's list: its rows, and when each change was first seen or told, by the change's key.

    `waits`: a change has not settled yet.
    """

    monitor = models.OneToOneField(Monitor, on_delete=models.CASCADE, primary_key=True, related_name="list_state")
    revision = models.BigIntegerField()
    rows = models.BinaryField()
    pending = models.JSONField(default=dict)
    told = models.JSONField(default=dict)
    told_at = models.DateTimeField(null=True)
    waits = models.BooleanField(default=False)

    class Meta:
        indexes = [
            # Used twice a minute to find changes that may have settled.
            models.Index(fields=["monitor"], name="list_state_waits", condition=Q(waits=True)),
        ]

    def __str__(self) -> str:
        return f"{self.monitor_id} {self.told_at}"


class DatedModel(models.Model):
    """A model in use with the retirement that was told of it: its day, and the nearest stage."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="dated_models")
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=MODEL_LIMIT)
    day = models.DateField()
    stage = models.PositiveSmallIntegerField(null=True)
    absent_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "provider", "model"], name="dated_model_once")]

    def __str__(self) -> str:
        return f"{self.model} {self.day}"


class DeclaredModel(models.Model):
    """A model that an imported file names, such as a LiteLLM configuration. `source` is the file's proxy, or empty."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="declared_models")
    source = models.CharField(max_length=100, blank=True, default="")
    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=MODEL_LIMIT)
    group = models.CharField(max_length=MODEL_LIMIT)

    class Meta:
        ordering = ("provider", "model", "group")
        constraints = [
            models.UniqueConstraint(fields=["team", "source", "provider", "model", "group"], name="declared_model_once")
        ]

    def __str__(self) -> str:
        return f"{self.group}: {self.model}"


class RetirementFeed(models.Model):
    """The calendar of a team's retirements: its key gives read access."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, primary_key=True, related_name="retirement_feed")
    feed_key = SealedTextField(default=new_feed_key, editable=False)

    def __str__(self) -> str:
        return f"{self.team}"
