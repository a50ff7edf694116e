"""Channel model: a configured destination of alerts."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.accounts.sealed import SealedJSONField
from vigil.alerts.core.selftest import MINUTES_LEAST, MINUTES_MOST
from vigil.visible_text import visible_line


def channel_kinds() -> list[tuple[str, str]]:
    """Choices of channel kinds; a callable, so that no migration lists them."""
    from vigil.alerts.channels import CHANNELS

    return [(kind, found.name) for kind, found in CHANNELS.items()]


def check_self_test_minutes(minutes: int) -> None:
    if minutes and not MINUTES_LEAST <= minutes <= MINUTES_MOST:
        raise ValidationError(f"0 for never, or {MINUTES_LEAST} to {MINUTES_MOST} minutes.")


class Channel(models.Model):
    """A configured destination. A fallback channel is used only if no other channel accepted in time.

    `refused` lists consecutive incidents with a permanent refusal: the third switches the channel off, and
    `disabled_why` keeps the answer.
    """

    public_id = models.CharField(
        max_length=public_ids.MAX_LENGTH, unique=True, default=public_ids.new_channel, editable=False
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="channels")
    name = models.CharField(max_length=100, validators=[visible_line])
    kind = models.CharField(max_length=20, choices=channel_kinds)
    config = models.JSONField(default=dict, blank=True)
    secrets = SealedJSONField()
    enabled = models.BooleanField(default=True)
    fallback = models.BooleanField(
        default=False, help_text="Used only when no other channel accepted an alert within two minutes."
    )
    self_test_minutes = models.PositiveIntegerField(
        default=0,
        validators=[check_self_test_minutes],
        help_text="Minutes between self-tests of this channel; 0 for none.",
    )
    gather = models.BooleanField(
        default=True,
        help_text="In a storm, group incidents into one message that lists them all. Off: one message each.",
    )
    notices = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Also send notices: a retirement ahead, a changed model list. Kinds that page people get none.",
    )
    refused = models.JSONField(default=list, blank=True, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True, editable=False)
    disabled_why = models.CharField(max_length=300, blank=True, default="", editable=False)
    #: Links in alerts that were made before mean nothing: another may hold them now.
    links_since = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="channel_name_in_team")]

    def __str__(self) -> str:
        return self.name


class Gathering(models.Model):
    """State of a group of messages on a channel (group_wait, group_interval)."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="gatherings")
    key = models.CharField(max_length=200)
    since = models.DateTimeField()
    last = models.DateTimeField()
    told = models.PositiveIntegerField(default=0)
    pages = models.FloatField(default=0.0, db_default=0.0)
    next = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "key"], name="gathering_of_channel")]
        indexes = [
            # Used once a minute by the clean-up.
            models.Index(fields=["last"], name="gathering_last"),
        ]

    def __str__(self) -> str:
        return f"{self.channel_id} {self.key}"
