"""A configured destination of alerts, and its kinds."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.accounts.sealed import SealedJSONField
from vigil.alerts.proof import MINUTES_LEAST, MINUTES_MOST


class ChannelKind(models.TextChoices):
    """The kinds that `channels.CHANNELS` has, as people read them; a test holds the two together."""

    WEBHOOK = "webhook"
    PAGERDUTY = "pagerduty", "PagerDuty"
    SLACK = "slack", "Slack"
    JSM = "jsm", "Jira Service Management"
    OPSGENIE = "opsgenie", "Opsgenie"
    DISCORD = "discord", "Discord"
    TEAMS = "teams", "Microsoft Teams"
    TELEGRAM = "telegram", "Telegram"
    GOOGLE_CHAT = "google_chat", "Google Chat"
    NTFY = "ntfy", "ntfy"
    EMAIL = "email", "e-mail"
    SMS = "sms", "SMS (Twilio)"
    APPRISE = "apprise", "other service (apprise)"
    LOOPBACK = "loopback", "loopback"


def check_self_test_minutes(minutes: int) -> None:
    if minutes and not MINUTES_LEAST <= minutes <= MINUTES_MOST:
        raise ValidationError(f"0 for never, or {MINUTES_LEAST} to {MINUTES_MOST} minutes.")


class Channel(models.Model):
    """A configured destination. A fallback channel is used only for what no other channel accepted in time."""

    public_id = models.CharField(
        max_length=public_ids.MAX_LENGTH, unique=True, default=public_ids.new_channel, editable=False
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="channels")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=ChannelKind.choices)
    config = models.JSONField(default=dict, blank=True)
    secrets = SealedJSONField()
    enabled = models.BooleanField(default=True)
    fallback = models.BooleanField(
        default=False, help_text="Used only when no other channel accepted an alert within two minutes."
    )
    self_test_minutes = models.PositiveIntegerField(
        default=0,
        validators=[check_self_test_minutes],
        help_text="How often a synthetic incident goes through it to prove that it works, in minutes; 0 for never.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="channel_name_in_team")]

    def __str__(self) -> str:
        return self.name
