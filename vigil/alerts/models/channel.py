"""A configured destination of alerts, and its kinds."""

from __future__ import annotations

from django.db import models

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.accounts.sealed import SealedJSONField


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
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="channel_name_in_team")]

    def __str__(self) -> str:
        return self.name
