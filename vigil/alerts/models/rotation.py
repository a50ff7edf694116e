"""Rotation models: on-call turns, members and overrides."""

from __future__ import annotations

import secrets
from datetime import time

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.accounts.sealed import SealedTextField
from vigil.alerts.core.rotation import OnCallSchedule, Override
from vigil.alerts.models.person import Person
from vigil.visible_text import visible_line

MAX_SHIFT_DAYS = 90


def new_rotation() -> str:
    return public_ids.new("rot")


def new_override() -> str:
    return public_ids.new("ovr")


def new_feed_key() -> str:
    return secrets.token_urlsafe(24)


class Rotation(models.Model):
    """People who take turns on call. Its feed key gives read access to the calendar."""

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_rotation, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="rotations")
    name = models.CharField(max_length=100, validators=[visible_line])
    zone = models.CharField(max_length=64, default="UTC", help_text="Time zone of the handover.")
    starts_on = models.DateField(help_text="The day of the first turn.")
    handover = models.TimeField(default=time(9))
    shift_days = models.PositiveSmallIntegerField(
        default=7, validators=[MinValueValidator(1), MaxValueValidator(MAX_SHIFT_DAYS)]
    )
    people = models.ManyToManyField(Person, through="RotationMember", related_name="rotations")
    feed_key = SealedTextField(default=new_feed_key, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [
            models.UniqueConstraint(fields=["team", "name"], name="rotation_name_in_team"),
            models.CheckConstraint(
                condition=Q(shift_days__gte=1, shift_days__lte=MAX_SHIFT_DAYS), name="rotation_shift_length"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def schedule(self) -> OnCallSchedule:
        """Turns and overrides as the pure functions take them."""
        return OnCallSchedule(
            people=tuple(member.person_id for member in self.members.all()),
            first=self.starts_on,
            days=self.shift_days,
            handover=self.handover,
            zone=self.zone,
            overrides=tuple(Override(one.person_id, one.starts_at, one.ends_at) for one in self.overrides.all()),
        )


class RotationMember(models.Model):
    """A person's position in a rotation; a person may have several."""

    rotation = models.ForeignKey(Rotation, on_delete=models.CASCADE, related_name="members")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    position = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ("position", "id")
        constraints = [models.UniqueConstraint(fields=["rotation", "position"], name="rotation_place_once")]

    def __str__(self) -> str:
        return f"{self.person} ({self.position})"


class RotationOverride(models.Model):
    """A substitute for the person on call. The newest of overlapping overrides wins."""

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_override, editable=False)
    rotation = models.ForeignKey(Rotation, on_delete=models.CASCADE, related_name="overrides")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="overrides")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="override_has_a_length")]

    def __str__(self) -> str:
        return f"{self.person} stands in"
