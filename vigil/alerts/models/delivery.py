"""Delivery model (outbox row): one message to one channel."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Q

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.alerts.core.decision import Event, Why, Withheld
from vigil.alerts.core.retry import ALONE_AFTER
from vigil.alerts.models.channel import Channel
from vigil.incidents.models import Incident, Transition
from vigil.notices.models import StoredNotice


class DeliveryState(models.TextChoices):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    #: Sent when its hold ends, or withheld for good if the incident ends first.
    HELD = "held"
    WITHHELD = "withheld"
    #: Sent within the message of another delivery, its leader, whose outcome it shares.
    GATHERED = "gathered"


#: Not sent yet.
OPEN_STATES = (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.GATHERED)
#: Not shown to the receiver so far.
UNTOLD_STATES = (DeliveryState.HELD, DeliveryState.WITHHELD)


def _choices(enum: type[StrEnum]) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ")) for member in enum]


class Delivery(models.Model):
    """A row of the outbox: one message to one channel, written in the transaction of its transition or notice.

    It is of an incident's step, or else of a notice: never both, never neither.

    Incidents of the installation itself belong to the default team. `escalated_at` is when an unaccepted page went to
    the fallback channels. `why` and `because` name the reason for the channel. The hold columns name the hold, its end
    if known, and when to look again; they stay after sending, to explain a late message.

    In a storm several deliveries share one message: the first is the leader, and `tells` is the number of incidents in
    its message. Later steps of those incidents belong to the leader's `thread`. `reference` is the receiver's id of the
    message, `answer` its last answer. `unfinished` counts the newest attempts of which nothing was recorded: their
    process died, or could not write.
    """

    public_id = models.CharField(
        max_length=public_ids.MAX_LENGTH, unique=True, default=public_ids.new_delivery, editable=False
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="deliveries")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, null=True, related_name="deliveries")
    transition = models.ForeignKey(Transition, on_delete=models.CASCADE, null=True, related_name="deliveries")
    notice = models.ForeignKey(
        StoredNotice, on_delete=models.CASCADE, null=True, related_name="deliveries", db_index=False
    )
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=12, choices=_choices(Event))
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    unfinished = models.PositiveSmallIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=300, blank=True, default="")
    reference = models.CharField(max_length=120, blank=True, default="")
    tells = models.PositiveIntegerField(default=1)
    leader = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="led", db_index=False
    )
    thread = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="followers", db_index=False
    )
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
            models.UniqueConstraint(fields=["transition", "channel"], name="one_delivery_per_transition_and_channel"),
            models.UniqueConstraint(
                fields=["notice", "channel"],
                condition=Q(notice__isnull=False),
                name="one_delivery_per_notice_and_channel",
            ),
            models.CheckConstraint(
                condition=Q(incident__isnull=False, transition__isnull=False, notice__isnull=True)
                | Q(incident__isnull=True, transition__isnull=True, notice__isnull=False),
                name="delivery_of_step_or_notice",
            ),
        ]
        indexes = [
            # Used by the sender to find the next due time.
            models.Index(fields=["due_at"], name="delivery_open", condition=Q(state__in=["pending", "sending"])),
            # Used once a second to find messages that are sent alone.
            models.Index(
                fields=["due_at"],
                name="delivery_alone",
                condition=Q(state__in=["pending", "sending"], unfinished__gte=ALONE_AFTER),
            ),
            # Used by the claim: due rows of a channel, in order.
            models.Index(
                fields=["channel", "due_at", "id"],
                name="delivery_due_on_channel",
                condition=Q(state__in=["pending", "sending"]),
            ),
            # Used when the outcome of a leader is known.
            models.Index(fields=["leader"], name="delivery_led", condition=Q(leader__isnull=False)),
            # Used to send the rest of a digest in order, and to see whether it is over.
            models.Index(fields=["thread"], name="delivery_thread", condition=Q(thread__isnull=False)),
            # Used by the claim to keep a resolve behind its trigger.
            models.Index(fields=["incident", "channel", "id"], name="delivery_order"),
            # Used once a second to find unaccepted pages.
            models.Index(
                fields=["created_at"],
                name="delivery_to_escalate",
                condition=Q(event="trigger", escalated_at=None) & ~Q(state="sent"),
            ),
            # Used once a second to find holds that may have ended.
            models.Index(fields=["recheck_at"], name="delivery_held", condition=Q(state="held")),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.event} {self.state}"

    @property
    def step(self) -> Transition:
        """The step that it tells of; raises ValueError for one of a notice."""
        if self.transition is None:
            raise ValueError(f"{self.public_id} is of a notice, and of no step")
        return self.transition
