"""Who is told (channels), of what (routes), and the outbox (deliveries)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.accounts.sealed import SealedJSONField
from vigil.incidents.models import Incident, Transition
from vigil.monitors.models import Monitor


class ChannelKind(models.TextChoices):
    WEBHOOK = "webhook"
    PAGERDUTY = "pagerduty", "PagerDuty"
    SLACK = "slack", "Slack"
    EMAIL = "email", "e-mail"


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


class Event(models.TextChoices):
    TRIGGER = "trigger"
    RESOLVE = "resolve"
    NOTE = "note"


class DeliveryState(models.TextChoices):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


#: Still to be told.
OPEN_STATES = (DeliveryState.PENDING, DeliveryState.SENDING)


class Delivery(models.Model):
    """One message to one channel: a row of the outbox, written in the transaction of its transition.

    An incident of the installation itself is told by the default team. `escalated_at` says when a page that nobody
    accepted was passed on to the fallback channels.
    """

    public_id = models.CharField(
        max_length=public_ids.MAX_LENGTH, unique=True, default=public_ids.new_delivery, editable=False
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="deliveries")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="deliveries")
    transition = models.ForeignKey(Transition, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=10, choices=Event.choices)
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["transition", "channel"], name="one_delivery_per_transition_and_channel")
        ]
        indexes = [
            # Used by the sender's claim, once a second.
            models.Index(fields=["due_at"], name="delivery_open", condition=Q(state__in=["pending", "sending"])),
            # Used by the claim to keep a resolve behind its trigger.
            models.Index(fields=["incident", "channel", "id"], name="delivery_order"),
            # Used once a second to find pages that nobody accepted.
            models.Index(
                fields=["created_at"],
                name="delivery_to_escalate",
                condition=Q(event="trigger", escalated_at=None) & ~Q(state="sent"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.event} {self.state}"
