"""One message to one channel: a row of the outbox."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Q

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.alerts.decision import Event, Why, Withheld
from vigil.alerts.models.channel import Channel
from vigil.incidents.models import Incident, Transition


class DeliveryState(models.TextChoices):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    #: Not sent yet: sent when nothing holds it any more, or withheld for good if the incident ends before that.
    HELD = "held"
    WITHHELD = "withheld"


#: Still to be told.
OPEN_STATES = (DeliveryState.PENDING, DeliveryState.SENDING)
#: Never shown to the receiver so far, and perhaps never.
UNTOLD_STATES = (DeliveryState.HELD, DeliveryState.WITHHELD)


def _choices(enum: type[StrEnum]) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ")) for member in enum]


class Delivery(models.Model):
    """One message to one channel: a row of the outbox, written in the transaction of its transition.

    An incident of the installation itself is told by the default team. `escalated_at` says when a page that nobody
    accepted was passed on to the fallback channels. `why` and `because` say what made the channel concerned. One that
    is or was held says what held it, by name, until when as far as was known, and when to look again; it keeps that
    after it was sent, so that people see why it came late.
    """

    public_id = models.CharField(
        max_length=public_ids.MAX_LENGTH, unique=True, default=public_ids.new_delivery, editable=False
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="deliveries")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="deliveries")
    transition = models.ForeignKey(Transition, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=12, choices=_choices(Event))
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=16, choices=_choices(Why), default=Why.ROUTED)
    because = models.CharField(max_length=120, blank=True, default="")
    withheld = models.CharField(max_length=20, choices=_choices(Withheld), blank=True, default="")
    held_by = models.CharField(max_length=120, blank=True, default="")
    held_until = models.DateTimeField(null=True, blank=True)
    recheck_at = models.DateTimeField(null=True, blank=True)

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
            # Used once a second to find what may be held no longer.
            models.Index(fields=["recheck_at"], name="delivery_held", condition=Q(state="held")),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.event} {self.state}"
