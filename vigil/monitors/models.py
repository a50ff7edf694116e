"""Monitor models: monitors, regions, composites, dependencies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import connection, models
from django.db.models import F, Q
from django.utils import timezone

from consensus.vocabulary import Sensitivity
from vigil.accounts import public_ids
from vigil.accounts.authors import present_author
from vigil.accounts.models import Team
from vigil.accounts.sealed import SealedJSONField
from vigil.monitors.choices import ChangeKind, DerivedKind, Priority, RegionEgress
from vigil.monitors.core.composite_rules import CompositeRule
from vigil.monitors.core.targets import target_of
from vigil.visible_text import visible_line

MIN_WARNING, MAX_WARNING = 5, 1_440
MIN_INTERVAL_S, MAX_INTERVAL_S, MIN_TIMEOUT_MS, MAX_TIMEOUT_MS = 5, 86_400, 100, 60_000


NAME_CONSTRAINT, NAME_TAKEN = "monitor_name_in_team", "A monitor of this name is already there."
NAME_RULE = r"[a-z0-9][a-z0-9-]{0,39}"
is_region_name = RegexValidator(
    rf"\A{NAME_RULE}\Z", "Use 1 to 40 lower-case letters, digits and hyphens, starting with a letter or digit."
)


class Region(models.Model):
    """A place that runs checks. Regions that can fail together share a domain. They belong to no team."""

    slug = models.CharField(max_length=40, unique=True, validators=[is_region_name])
    name = models.CharField(max_length=100, blank=True, validators=[visible_line])
    domain = models.CharField(max_length=40, validators=[is_region_name])
    enabled = models.BooleanField(default=True)
    egress = models.CharField(max_length=10, choices=RegionEgress.choices, default=RegionEgress.PUBLIC)
    public_key = models.BinaryField(max_length=32, null=True, blank=True)
    #: Keys that its worker signs with: the present one, and for a day the one before, while its worker is changed.
    signing_key = models.BinaryField(max_length=32, null=True, blank=True, editable=False)
    former_signing_key = models.BinaryField(max_length=32, null=True, blank=True, editable=False)
    signing_key_since = models.DateTimeField(null=True, blank=True, editable=False)
    #: Last worker process seen, and since when: a deployment is the first suspect in a mass event.
    worker_boot = models.CharField(max_length=40, blank=True, default="", editable=False)
    worker_since = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("slug",)
        constraints = [
            models.CheckConstraint(condition=Q(slug__regex=f"^{NAME_RULE}$"), name="region_slug_is_plain"),
            models.CheckConstraint(condition=Q(domain__regex=f"^{NAME_RULE}$"), name="region_domain_is_plain"),
        ]

    def __str__(self) -> str:
        return self.slug


class Monitor(models.Model):
    """A monitored target. Written through `changes` only, which raises `revision` by one each time.

    `config` is the prober's configuration without secrets; `secrets` names what the prober adds.
    """

    public_id = models.CharField(
        max_length=public_ids.MAX_LENGTH, unique=True, default=public_ids.new_monitor, editable=False
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="monitors")
    name = models.CharField(max_length=200, validators=[visible_line])
    kind = models.CharField(max_length=40)
    config = models.JSONField(default=dict)
    secrets = SealedJSONField()
    interval_s = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(MIN_INTERVAL_S), MaxValueValidator(MAX_INTERVAL_S)]
    )
    timeout_ms = models.PositiveIntegerField(
        default=10_000, validators=[MinValueValidator(MIN_TIMEOUT_MS), MaxValueValidator(MAX_TIMEOUT_MS)]
    )
    sensitivity = models.CharField(
        max_length=10, choices=[(level.value, level.value) for level in Sensitivity], default=Sensitivity.NORMAL.value
    )
    regions = models.ManyToManyField(Region, related_name="monitors", blank=True)
    tags = models.JSONField(default=list, blank=True)
    priority = models.CharField(max_length=10, choices=Priority.choices, default=Priority.NORMAL)
    #: So long before a quota of its key is used up its owner is warned (minutes); null: never.
    headroom_warning_minutes = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(MIN_WARNING), MaxValueValidator(MAX_WARNING)]
    )
    paused = models.BooleanField(default=False)
    #: Why Vigil paused it by itself; empty where a person did.
    paused_why = models.CharField(max_length=300, default="", blank=True, editable=False)
    #: Provider of its target, by the catalogue; empty for others.
    provider = models.CharField(max_length=40, default="", db_default="", blank=True, editable=False)
    revision = models.BigIntegerField(default=1, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("name", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["team", "name"],
                condition=Q(deleted_at=None),
                name=NAME_CONSTRAINT,
                violation_error_message=NAME_TAKEN,
            ),
            models.CheckConstraint(
                condition=Q(interval_s__gte=MIN_INTERVAL_S, interval_s__lte=MAX_INTERVAL_S), name="monitor_interval"
            ),
            models.CheckConstraint(
                condition=Q(timeout_ms__gte=MIN_TIMEOUT_MS, timeout_ms__lte=MAX_TIMEOUT_MS), name="monitor_timeout"
            ),
            models.CheckConstraint(
                condition=Q(timeout_ms__lte=F("interval_s") * 1000), name="monitor_timeout_within_interval"
            ),
        ]
        indexes = [
            # Used by dispatch to load watched monitors.
            models.Index(fields=["id"], name="monitor_watched", condition=Q(deleted_at=None, paused=False)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def target(self) -> str:
        """Target for people: an address without its query, and without keys in its path."""
        return str(self.name) if self.kind in DerivedKind else target_of(self.config)


_RECORD = """
INSERT INTO monitors_monitorchange (monitor_id, at, author, via, action, fields, revision)
SELECT changed.id, %s, %s, %s, %s, %s::jsonb, changed.revision
FROM unnest(%s::bigint[], %s::bigint[]) AS changed(id, revision)
"""


class MonitorChange(models.Model):
    """A change of a monitor: who, when, and which fields; never what they hold. The newest of a monitor are kept."""

    #: Changes of a monitor that are kept at least, and how often the others are dropped (revisions).
    KEPT, DROPPED_EVERY = 200, 50

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField(auto_now_add=True)
    author = models.CharField(max_length=150)
    via = models.CharField(max_length=20, blank=True, default="")
    action = models.CharField(max_length=10, choices=ChangeKind.choices)
    fields = models.JSONField(default=list)
    revision = models.BigIntegerField()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.monitor_id} {self.action} by {self.author}"

    @classmethod
    def record(cls, monitor: Monitor, action: ChangeKind, fields: Iterable[str] = ()) -> None:
        """Write a change of the present author, in the caller's transaction."""
        cls.record_many([monitor], action, fields)

    @classmethod
    def record_many(cls, monitors: Sequence[Monitor], action: ChangeKind, fields: Iterable[str] = ()) -> None:
        """Write the same change of each."""
        if monitors:
            author, names = present_author(), json.dumps(sorted(fields))
            keys = [[monitor.pk for monitor in monitors], [monitor.revision for monitor in monitors]]
            with connection.cursor() as cursor:
                cursor.execute(_RECORD, [timezone.now(), author.name[:150], author.via, action, names, *keys])
        for monitor in monitors:
            if monitor.revision % cls.DROPPED_EVERY == 0:
                cls.objects.filter(monitor=monitor, revision__lt=monitor.revision - cls.KEPT).delete()


class Composite(models.Model):
    """A composite. Its monitor has its name, state and incidents.

    Written through `composites` only. In a chain rank 0 serves and higher ranks are the fallbacks in order; other rules
    have one rank. `k` is for `at_least` only.
    """

    monitor = models.OneToOneField(Monitor, on_delete=models.CASCADE, related_name="composite")
    rule = models.CharField(
        max_length=10, choices=[(rule.value, rule.value) for rule in CompositeRule], default=CompositeRule.CHAIN
    )
    k = models.PositiveSmallIntegerField(default=1)

    def __str__(self) -> str:
        return self.monitor.name


class CompositeMember(models.Model):
    """A member of a composite, under the name of the group it serves."""

    composite = models.ForeignKey(Composite, on_delete=models.CASCADE, related_name="members")
    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="composite_memberships")
    rank = models.PositiveSmallIntegerField(default=0)
    group = models.CharField(max_length=200, blank=True, default="", validators=[visible_line])

    class Meta:
        ordering = ("rank", "id")
        constraints = [
            models.UniqueConstraint(fields=["composite", "rank", "group", "monitor"], name="composite_member_once")
        ]

    def __str__(self) -> str:
        return f"{self.group} ({self.rank})"


class Dependency(models.Model):
    """A monitor that depends on another. Written through `dependencies` only."""

    child = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="dependencies")
    parent = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="dependents")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["child", "parent"], name="dependency_once")]

    def __str__(self) -> str:
        return f"{self.child} needs {self.parent}"
