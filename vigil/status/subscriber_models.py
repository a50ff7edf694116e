"""Models of subscribers, their requests and their letters. Addresses are sealed; tokens are derived and not stored."""

from __future__ import annotations

from enum import StrEnum

from django.db import models
from django.db.models import Q

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.accounts.sealed import SealedJSONField
from vigil.alerts.core.retry import ALONE_AFTER
from vigil.status.core.subscriber_terms import (
    LetterPurpose,
    OffReason,
    RequestOutcome,
    SubscriberKind,
    SubscriberState,
)

#: Hexadecimal digits of the keyed digest of an address.
FINGERPRINT = 64


def new_subscriber() -> str:
    return public_ids.new("sub")


def _choices(words: type[StrEnum]) -> list[tuple[str, str]]:
    return [(one.value, one.value.replace("_", " ")) for one in words]


class Subscriber(models.Model):
    """Who is told of updates of a page. `whole`: of all of it, else of `components` and of the page as a whole.

    `fingerprint` is a keyed digest of the address, so that one address is one subscriber. `failures` counts days
    on which a letter failed for good.
    """

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_subscriber, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="subscribers")
    page = models.ForeignKey("status.StatusPage", on_delete=models.CASCADE, related_name="subscribers")
    kind = models.CharField(max_length=8, choices=_choices(SubscriberKind))
    sealed = SealedJSONField(editable=False)
    fingerprint = models.CharField(max_length=FINGERPRINT, editable=False)
    whole = models.BooleanField(default=True)
    components = models.ManyToManyField("status.PageComponent", related_name="subscribers", blank=True)
    state = models.CharField(max_length=10, choices=_choices(SubscriberState), default=SubscriberState.PENDING)
    off_reason = models.CharField(max_length=12, choices=_choices(OffReason), blank=True, default="")
    last_error = models.CharField(max_length=300, blank=True, default="")
    failures = models.PositiveSmallIntegerField(default=0)
    failed_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    off_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["page", "kind", "fingerprint"], name="one_subscriber_per_address_of_page"),
        )
        indexes = (
            # Used by the fan-out of an update, and by the counts of a page.
            models.Index(fields=["page", "state", "kind"], name="subscriber_of_page"),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def address(self) -> str:
        """Where it is told; raises `SealedValueUnreadable`."""
        return self.sealed["address"]


class SubscriptionRequest(models.Model):
    """What a stranger asked for, taken without looking at who subscribes; decided by `requests`. The address is kept
    until then, the fingerprints for the limits of a day."""

    page = models.ForeignKey("status.StatusPage", on_delete=models.CASCADE, related_name="subscription_requests")
    kind = models.CharField(max_length=8, choices=_choices(SubscriberKind))
    sealed = SealedJSONField(editable=False)
    fingerprint = models.CharField(max_length=FINGERPRINT)
    #: Of the host of a webhook, which is limited too; empty for other kinds.
    host_fingerprint = models.CharField(max_length=FINGERPRINT, blank=True, default="")
    #: Public ids of components; empty for all.
    components = models.JSONField(default=list, blank=True)
    at = models.DateTimeField()
    outcome = models.CharField(max_length=20, choices=_choices(RequestOutcome), blank=True, default="")

    class Meta:
        ordering = ("id",)
        indexes = (
            # Used to find what is not decided.
            models.Index(fields=["id"], name="subscription_asked", condition=Q(outcome="")),
            # Used by the limits.
            models.Index(fields=["page", "at"], name="subscription_by_page"),
            models.Index(fields=["fingerprint", "at"], name="subscription_by_address"),
            models.Index(
                fields=["host_fingerprint", "at"], name="subscription_by_host", condition=~Q(host_fingerprint="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.page_id} {self.kind}"

    @property
    def address(self) -> str:
        """Who asked, until it is decided; raises `SealedValueUnreadable`."""
        return self.sealed["address"]


class OutboxState(models.TextChoices):
    """How far a letter is: `dead` is one that failed for good."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


#: States of letters on their way.
UNFINISHED = (OutboxState.PENDING, OutboxState.SENDING)


class LetterCount(models.Model):
    """How many letters of a kind were accepted and given up, ever, and when the last was accepted."""

    kind = models.CharField(max_length=8, choices=_choices(SubscriberKind), primary_key=True)
    sent = models.BigIntegerField(default=0)
    dead = models.BigIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.sent}"


class SubscriberLetter(models.Model):
    """A row of the outbox of subscribers: one letter, of which there is one for each subscriber and update.

    `unfinished` counts the newest attempts of which nothing was recorded: their process died, or could not write.
    """

    subscriber = models.ForeignKey(Subscriber, on_delete=models.CASCADE, related_name="letters")
    update = models.ForeignKey(
        "status.PublicUpdate", on_delete=models.CASCADE, null=True, blank=True, related_name="letters"
    )
    kind = models.CharField(max_length=8, choices=_choices(SubscriberKind))
    purpose = models.CharField(max_length=8, choices=_choices(LetterPurpose))
    state = models.CharField(max_length=8, choices=OutboxState.choices, default=OutboxState.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    unfinished = models.PositiveSmallIntegerField(default=0, db_default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=300, blank=True, default="")

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=["subscriber", "update"], name="one_letter_per_subscriber_and_update"),
        )
        indexes = (
            # Used by the claim: what was asked for by a person comes before updates.
            models.Index(
                fields=["kind", "purpose", "due_at", "id"],
                name="subscriber_letter_due",
                condition=Q(state__in=["pending", "sending"]),
            ),
            # Used once a second to find letters that are sent alone.
            models.Index(
                fields=["due_at"],
                name="subscriber_letter_alone",
                condition=Q(state__in=["pending", "sending"], unfinished__gte=ALONE_AFTER),
            ),
            # Used by the deletion of what is old.
            models.Index(fields=["created_at"], name="subscriber_letter_by_age"),
        )

    def __str__(self) -> str:
        return f"{self.subscriber_id} {self.purpose} {self.state}"
