"""Models around public incidents: planned maintenance, automatic incidents, templates, and texts before an edit."""

from __future__ import annotations

from datetime import timedelta

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.incidents.models import Incident
from vigil.status.core.states import PublicImpact, RuleKind, UpdateState
from vigil.visible_text import visible_line

TEXT_MOST = 5_000
#: How long after its start an automatic incident may begin (s).
AFTER_MOST_S = 86_400


def new_rule() -> str:
    return public_ids.new("rul")


def new_template() -> str:
    return public_ids.new("tpl")


class ScheduledMaintenance(models.Model):
    """What makes a public incident planned work: its window, and what changes by itself.

    `began_at` and `ended_at` are what it was in the end: that time is not counted in uptime on its page.
    """

    incident = models.OneToOneField(
        "status.PublicIncident", on_delete=models.CASCADE, primary_key=True, related_name="maintenance"
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    is_automatic = models.BooleanField(
        default=True, help_text="It is in progress from its start and completed at its end without anybody."
    )
    silences = models.BooleanField(
        default=False, help_text="Alerts of the monitors behind its components are held, and the time is not counted."
    )
    #: The public id of the silence that was made with it: the rows of a silence change.
    silence = models.CharField(max_length=public_ids.MAX_LENGTH, blank=True, default="", editable=False)
    began_at = models.DateTimeField(null=True, blank=True, editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    due_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="maintenance_ends_after_its_start"),
        )
        indexes = (
            # Used by the publisher: the few whose state changes by itself.
            models.Index(fields=["due_at"], name="maintenance_due", condition=Q(due_at__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.incident_id} {self.starts_at:%Y-%m-%d %H:%M}"


class PublicationRule(models.Model):
    """When a failure behind a component becomes a public incident without a person, and in which words."""

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_rule, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="publication_rules")
    component = models.ForeignKey("status.PageComponent", on_delete=models.CASCADE, related_name="publication_rules")
    kind = models.CharField(
        max_length=10, choices=[(one.value, one.value) for one in RuleKind], default=RuleKind.OUTAGE
    )
    after_s = models.PositiveIntegerField(
        default=300, validators=[MaxValueValidator(AFTER_MOST_S)], help_text="Seconds after the failure began."
    )
    impact = models.CharField(
        max_length=10, choices=[(one.value, one.value) for one in PublicImpact], default=PublicImpact.MAJOR
    )
    title = models.CharField(max_length=200, validators=[visible_line])
    text = models.CharField(max_length=TEXT_MOST, help_text="Its first update.")
    closing_text = models.CharField(max_length=TEXT_MOST, help_text="Its last update, at recovery.")
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("component", "kind")
        constraints = (
            models.UniqueConstraint(fields=["component", "kind"], name="publication_rule_by_component_and_kind"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def after(self) -> timedelta:
        return timedelta(seconds=self.after_s)


class AutomaticPublication(models.Model):
    """The mark that a page has dealt with an incident: there is one public incident for it, and no second one ever.

    It stays where a person deletes what was published.
    """

    page = models.ForeignKey("status.StatusPage", on_delete=models.CASCADE, related_name="+")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="+")
    public = models.ForeignKey(
        "status.PublicIncident", on_delete=models.SET_NULL, null=True, related_name="publications"
    )
    rule = models.ForeignKey(PublicationRule, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["page", "incident"], name="one_publication_by_page_and_incident"),
        )

    def __str__(self) -> str:
        return f"{self.page_id} {self.incident_id}"


class UpdateTemplate(models.Model):
    """Words that a team keeps for updates. Nothing of it is public until somebody publishes it."""

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_template, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="update_templates")
    page = models.ForeignKey(
        "status.StatusPage", on_delete=models.CASCADE, null=True, blank=True, related_name="update_templates",
        help_text="The page that it is for; every page of the team without one.",
    )  # fmt: skip
    name = models.CharField(max_length=100, validators=[visible_line])
    state = models.CharField(
        max_length=16, choices=[(one.value, one.value) for one in UpdateState], default=UpdateState.INVESTIGATING
    )
    title = models.CharField(
        max_length=200, blank=True, default="", validators=[visible_line], help_text="Of a new incident; may be empty."
    )
    text = models.CharField(max_length=TEXT_MOST)
    components = models.ManyToManyField("status.PageComponent", related_name="+", blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name", "id")
        constraints = (models.UniqueConstraint(fields=["team", "name"], name="update_template_name_in_team"),)

    def __str__(self) -> str:
        return self.name


class EarlierText(models.Model):
    """What an update said before it was edited. It is for the team: readers see when, and what it says now."""

    update_row = models.ForeignKey("status.PublicUpdate", on_delete=models.CASCADE, related_name="earlier")
    text = models.CharField(max_length=TEXT_MOST)
    replaced_at = models.DateTimeField()
    replaced_by = models.CharField(max_length=120, blank=True, default="", editable=False)

    class Meta:
        ordering = ("update_row", "replaced_at", "id")

    def __str__(self) -> str:
        return f"{self.update_row_id} until {self.replaced_at:%Y-%m-%d %H:%M}"
