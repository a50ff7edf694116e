"""Choices of the models of monitors: kinds without checks, egress, priority, and what became of a monitor."""

from __future__ import annotations

from django.db import models


class DerivedKind(models.TextChoices):
    """Kinds without checks: their status comes from elsewhere, and each has its own write path."""

    COMPOSITE = "composite"
    HEARTBEAT = "heartbeat"


class RegionEgress(models.TextChoices):
    """Addresses that a region may dial."""

    PUBLIC = "public"
    PRIVATE = "private"


class Priority(models.TextChoices):
    """Importance of a monitor: shifts the severity of its incidents, and routes may match it."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class ChangeKind(models.TextChoices):
    """What became of a monitor."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
