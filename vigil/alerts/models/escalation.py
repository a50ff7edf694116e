"""Escalation models: policies, and the position of an incident in each."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.alerts.models.channel import Channel
from vigil.alerts.models.person import Person
from vigil.alerts.models.rotation import Rotation
from vigil.incidents.models import Incident
from vigil.visible_text import visible_line

MAX_REPEATS = 20
MAX_DELAY_S = 24 * 3600


def new_policy() -> str:
    return public_ids.new("pol")


class EscalationPolicy(models.Model):
    """Whom to call, step by step, until a person acknowledges."""

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_policy, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="policies")
    name = models.CharField(max_length=100, validators=[visible_line])
    repeats = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(MAX_REPEATS)],
        help_text="How often it repeats after its last step.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name", "id")
        verbose_name_plural = "escalation policies"
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="policy_name_in_team")]

    def __str__(self) -> str:
        return self.name


class EscalationStep(models.Model):
    """One step of a policy: its delay after the one before, and its channels, people and rotations."""

    policy = models.ForeignKey(EscalationPolicy, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    delay_s = models.PositiveIntegerField(
        default=0, validators=[MaxValueValidator(MAX_DELAY_S)], help_text="Seconds after the previous step."
    )
    channels = models.ManyToManyField(Channel, related_name="escalation_steps", blank=True)
    people = models.ManyToManyField(Person, related_name="escalation_steps", blank=True)
    rotations = models.ManyToManyField(Rotation, related_name="escalation_steps", blank=True)

    class Meta:
        ordering = ("position", "id")
        constraints = [models.UniqueConstraint(fields=["policy", "position"], name="policy_step_once")]

    def __str__(self) -> str:
        return f"step {self.position + 1}"


class Pursuit(models.Model):
    """Acknowledgement state of an incident: who acknowledged, until when it is snoozed, the next reminder."""

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, primary_key=True, related_name="pursuit")
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.CharField(max_length=120, blank=True, default="")
    snoozed_until = models.DateTimeField(null=True, blank=True)
    remind_s = models.PositiveIntegerField(default=0)
    remind_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # Used once a second by the timers.
            models.Index(fields=["remind_at"], name="pursuit_to_remind", condition=Q(remind_at__isnull=False)),
            models.Index(fields=["snoozed_until"], name="pursuit_asleep", condition=Q(snoozed_until__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} {'acknowledged' if self.acknowledged_at else 'pursued'}"


class Escalation(models.Model):
    """Position of an incident in one policy: the next step and its time; finished without a time."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="escalations")
    policy = models.ForeignKey(EscalationPolicy, on_delete=models.CASCADE, related_name="escalations")
    rung = models.PositiveSmallIntegerField(default=0)
    round = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["incident", "policy"], name="one_escalation_per_policy")]
        indexes = [
            # Used once a second by the timers.
            models.Index(fields=["due_at"], name="escalation_due", condition=Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.incident_id} {self.rung}/{self.round}"
