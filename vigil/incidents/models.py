"""Incident models: monitor states, incidents, transitions.

Written in one transaction with the outbox. Only ingest writes states; steps need a lock on the incident's row.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from probes.reasons import Reason, Status
from vigil.accounts.public_ids import new
from vigil.feeds.core.detection_lead import LeadFigures, LeadState, WhoWasFirst, in_words
from vigil.incidents.core.foretold import FORETOLD
from vigil.incidents.core.model import IncidentKind, Step, StepReason


def incident_id() -> str:
    return new("inc")


def transition_id() -> str:
    return new("trn")


def _choices(enum: type) -> list[tuple[str, str]]:
    return [(member.value, member.value.replace("_", " ")) for member in enum]  # type: ignore[attr-defined]


#: What is foretold and no quorum has seen: it is no time lost, explains no other incident, and is not published.
IS_FORETOLD = Q(cause_key__startswith=FORETOLD)


class MonitorState(models.Model):
    """State of a monitor; its row is locked before its incidents change."""

    monitor = models.OneToOneField(
        "monitors.Monitor", on_delete=models.CASCADE, primary_key=True, related_name="believed"
    )
    status = models.CharField(max_length=16, choices=_choices(Status), default=Status.UNKNOWN)
    account = models.BooleanField(default=False)
    since = models.DateTimeField(null=True, blank=True)
    dissent = models.JSONField(default=dict, blank=True)
    passed_rounds = models.PositiveSmallIntegerField(default=0)
    round_ms = models.BigIntegerField(default=0)
    flips_ms = models.JSONField(default=list, blank=True)
    regional = models.BooleanField(default=False)
    blind = models.BooleanField(default=False)
    flapping = models.BooleanField(default=False)
    blind_cause = models.CharField(max_length=120, blank=True, default="")
    version = models.PositiveBigIntegerField(default=0)
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            # Used by ingest to rebuild `believed`: the few monitors that are not simply up.
            models.Index(
                fields=["monitor"],
                name="state_not_plainly_up",
                condition=~Q(status=Status.UP) | ~Q(dissent={}) | Q(blind=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.monitor_id} {self.status}"


class Incident(models.Model):
    """An incident, from the first failing observation to resolution.

    `cause_key` identifies incidents without a monitor (a dark region), and is shared by incidents with a common cause,
    to group their alerts. `provider` is the provider concerned, `part_of` its incident.
    """

    public_id = models.CharField(max_length=40, unique=True, default=incident_id, editable=False)
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="incidents", null=True, blank=True)
    monitor = models.ForeignKey(
        "monitors.Monitor", on_delete=models.PROTECT, related_name="incidents", null=True, blank=True
    )
    kind = models.CharField(max_length=16, choices=_choices(IncidentKind))
    cause_key = models.CharField(max_length=120, blank=True, default="")
    provider = models.CharField(max_length=40, blank=True, default="")
    part_of = models.ForeignKey("self", on_delete=models.SET_NULL, related_name="members", null=True, blank=True)
    title = models.CharField(max_length=300)
    failure = models.CharField(max_length=32, choices=_choices(Reason), default=Reason.OK)
    started_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    flapping = models.BooleanField(default=False)
    steps = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-opened_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=["monitor"],
                condition=Q(resolved_at=None, kind__in=["outage", "degraded", "account", "heartbeat"]),
                name="one_open_incident_per_monitor",
            ),
            models.UniqueConstraint(
                fields=["monitor", "kind"],
                condition=Q(resolved_at=None, kind__in=["regional", "blind"]),
                name="one_open_side_incident_per_monitor",
            ),
            models.UniqueConstraint(
                fields=["kind", "cause_key"],
                condition=Q(resolved_at=None, monitor=None),
                name="one_open_incident_per_cause",
            ),
        )
        indexes = (
            # Used by lists of a team's incidents, newest first.
            models.Index(fields=["team", "-opened_at"], name="incident_by_team"),
            # Used to detect a provider outage.
            models.Index(
                fields=["provider"], name="incident_open_of_provider", condition=Q(resolved_at=None) & ~Q(provider="")
            ),
            # Used to find open incidents.
            models.Index(fields=["kind"], name="incident_open", condition=Q(resolved_at=None)),
            # Used by detection leads: what failed of a provider around the time of a post.
            models.Index(fields=["provider", "opened_at"], name="incident_of_provider", condition=~Q(provider="")),
        )

    def __str__(self) -> str:
        return f"{self.public_id} {self.title}"


class Transition(models.Model):
    """A step of an incident with its evidence; deliveries are written with it."""

    public_id = models.CharField(max_length=40, unique=True, default=transition_id, editable=False)
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="transitions")
    seq = models.PositiveIntegerField()
    step = models.CharField(max_length=16, choices=_choices(Step))
    reason = models.CharField(max_length=32, choices=_choices(StepReason))
    at = models.DateTimeField()
    text = models.TextField(blank=True, default="")
    #: Who did it and how, for a person: "ann (Slack)".
    actor = models.CharField(max_length=120, blank=True, default="")
    evidence = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("incident_id", "seq")
        constraints = (models.UniqueConstraint(fields=["incident", "seq"], name="transition_sequence"),)

    def __str__(self) -> str:
        return f"{self.incident_id}/{self.seq} {self.step}"


class IngestPosition(models.Model):
    """Position in a stream, and the newest epoch seen (fencing token): older epochs are refused."""

    stream = models.CharField(max_length=80, primary_key=True)
    entry_id = models.CharField(max_length=40, default="0-0")
    epoch = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.stream} {self.entry_id}"


class CommittedShards(models.Model):
    """The shard map, one row: how many shards monitors are spread over. The epoch grows with each change."""

    shards = models.IntegerField(default=1)
    epoch = models.BigIntegerField(default=0)
    changed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.shards} shards, epoch {self.epoch}"


class Postmortem(models.Model):
    """What people wrote about an incident afterwards: Markdown, as it was typed."""

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, primary_key=True, related_name="postmortem")
    text = models.TextField()
    written_by = models.CharField(max_length=120)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"postmortem of {self.incident_id}"


class DetectionLead(models.Model):
    """Lead of an incident over its provider's first public word (`feeds.core.detection_lead`).

    The post is copied, since posts are not kept for ever. `first` is empty until the provider has told.
    """

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, primary_key=True, related_name="lead")
    state = models.CharField(max_length=8, choices=_choices(LeadState))
    first = models.CharField(max_length=8, choices=_choices(WhoWasFirst), blank=True, default="")
    post = models.BigIntegerField(null=True, blank=True)
    title = models.CharField(max_length=200, blank=True, default="")
    seen_at = models.DateTimeField(null=True, blank=True)
    absent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(null=True, blank=True)
    least_s = models.IntegerField(null=True, blank=True)
    most_s = models.IntegerField(null=True, blank=True)
    claimed_s = models.IntegerField(null=True, blank=True)
    is_backdated = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"lead of {self.incident_id}: {self.state}"

    @property
    def figures(self) -> LeadFigures | None:
        """The lead in seconds; None until the provider has told."""
        return (
            None if self.most_s is None else LeadFigures(self.least_s, self.most_s, self.claimed_s, self.is_backdated)
        )

    @property
    def words(self) -> str:
        """`14 minutes before their page`; empty until the provider has told."""
        return in_words(self.figures) if self.figures is not None else ""
