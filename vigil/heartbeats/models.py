"""Heartbeat models: heartbeats, pings, ping keys of teams, and receiver gaps."""

from __future__ import annotations

import secrets
import uuid

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from vigil.accounts.models import Team
from vigil.accounts.public_ids import ALPHABET
from vigil.heartbeats.core.pings.address import SLUG
from vigil.heartbeats.core.pings.wire import Method, PingKind
from vigil.heartbeats.core.schedule import ScheduleKind
from vigil.heartbeats.core.states import HeartbeatStatus, HeartbeatTrouble
from vigil.monitors.models import Monitor

KEY_LENGTH = 22
SLUG_CONSTRAINT = "heartbeat_slug_in_team"
is_slug = RegexValidator(rf"\A{SLUG}\Z", "Use lower-case letters, digits, - and _, a letter or digit at both ends.")


def new_key() -> str:
    """A secret for an address: 110 random bits, in unambiguous letters."""
    return "".join(secrets.choice(ALPHABET) for _ in range(KEY_LENGTH))


def _choices(enum: type) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ") or "none") for member in enum]  # type: ignore[attr-defined]


class TeamPings(models.Model):
    """Ping settings of a team: its key, its badge key, and whether unknown slugs create heartbeats."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, primary_key=True, related_name="pings")
    key = models.CharField(max_length=KEY_LENGTH, unique=True, default=new_key, editable=False)
    badge_key = models.CharField(max_length=KEY_LENGTH, unique=True, default=new_key, editable=False)
    creates = models.BooleanField(
        default=False, help_text="A ping with ?create=1 to an unknown slug makes a heartbeat of that name."
    )

    class Meta:
        verbose_name_plural = "team pings"

    def __str__(self) -> str:
        return f"pings of {self.team}"


class Heartbeat(models.Model):
    """A job's schedule and state. Settings change through `changes` only, state through `apply` and `sweep`.

    `code` is its address; `due_at` is when the clock acts next; `runs` are started and not ended.
    """

    monitor = models.OneToOneField(Monitor, on_delete=models.CASCADE, primary_key=True, related_name="heartbeat")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="heartbeats")
    slug = models.CharField(max_length=100, validators=[is_slug])
    code = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    badge_code = models.CharField(max_length=KEY_LENGTH, unique=True, default=new_key, editable=False)
    schedule = models.CharField(max_length=12, choices=_choices(ScheduleKind), default=ScheduleKind.PERIOD)
    period_s = models.PositiveIntegerField(default=86_400)
    expression = models.CharField(max_length=200, blank=True, default="")
    time_zone = models.CharField(max_length=60, default="UTC")
    grace_s = models.PositiveIntegerField(default=3_600)
    run_limit_s = models.PositiveIntegerField(null=True, blank=True)
    wakes_on_ping = models.BooleanField(default=False)
    keywords = models.JSONField(default=dict, blank=True)
    budget = models.JSONField(default=dict, blank=True)

    status = models.CharField(max_length=8, choices=_choices(HeartbeatStatus), default=HeartbeatStatus.NEW)
    since = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_ping_at = models.DateTimeField(null=True, blank=True)
    expected_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    runs = models.JSONField(default=list, blank=True)
    logs = models.PositiveIntegerField(default=0)
    trouble = models.CharField(
        max_length=10, choices=_choices(HeartbeatTrouble), blank=True, default=HeartbeatTrouble.NONE
    )
    pings = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ("monitor_id",)
        constraints = [models.UniqueConstraint(fields=["team", "slug"], name=SLUG_CONSTRAINT)]
        indexes = [
            # Used by the sweeper, once a second.
            models.Index(fields=["due_at"], name="heartbeat_due", condition=Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.slug


class StoredPing(models.Model):
    """One ping after interpretation; `n` counts a heartbeat's pings. The newest thousand are kept."""

    id = models.UUIDField(primary_key=True, editable=False)
    heartbeat = models.ForeignKey(Heartbeat, on_delete=models.CASCADE, related_name="history")
    n = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=8, choices=_choices(PingKind))
    exit_code = models.PositiveSmallIntegerField(null=True)
    #: With a default in the database, so that an older receiver writes on during an upgrade.
    word = models.CharField(max_length=64, default="", db_default="")
    rid = models.CharField(max_length=64, default="")
    duration_ms = models.PositiveBigIntegerField(null=True)
    method = models.CharField(max_length=8, choices=_choices(Method))
    origin = models.CharField(max_length=64, default="")
    agent = models.CharField(max_length=200, default="")
    body = models.BinaryField(default=b"")
    body_size = models.PositiveIntegerField(default=0)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ("heartbeat_id", "-n")
        constraints = [models.UniqueConstraint(fields=["heartbeat", "n"], name="ping_number_in_heartbeat")]

    def __str__(self) -> str:
        return f"{self.heartbeat_id}/{self.n} {self.kind}"


class SpooledEntry(models.Model):
    """A log entry that Redis could not take: deleted in the transaction that applies it."""

    entry = models.BinaryField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "spooled entries"

    def __str__(self) -> str:
        return f"spooled {self.pk}"


class Reception(models.Model):
    """Watermark (one row): all pings received before it have been applied."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    heard_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"received until {self.heard_at}"


class ReceptionGap(models.Model):
    """A period without any receiver, in which no job is counted late."""

    begin = models.DateTimeField()
    end = models.DateTimeField()

    class Meta:
        indexes = [
            # Used by the sweeper when a deadline has passed.
            models.Index(fields=["end"], name="reception_gap_end"),
        ]

    def __str__(self) -> str:
        return f"{self.begin} to {self.end}"
