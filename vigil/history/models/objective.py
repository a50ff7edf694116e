"""Service level objective (SLO)."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from vigil.accounts import public_ids
from vigil.accounts.models import Team
from vigil.history.core.burn_rate import BurnPace
from vigil.monitors.models import Monitor
from vigil.visible_text import visible_line


def new_objective() -> str:
    return public_ids.new("slo")


class Objective(models.Model):
    """Target uptime of a monitor or tag over a window that ends now.

    `pace` is the burn pace last alerted, in `incident`; only the recorder writes both.
    """

    public_id = models.CharField(max_length=public_ids.MAX_LENGTH, unique=True, default=new_objective, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="objectives")
    name = models.CharField(max_length=100, validators=[visible_line])
    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, null=True, blank=True, related_name="objectives")
    tag = models.CharField(max_length=50, blank=True, default="", help_text="All monitors with this tag together.")
    target_percent = models.DecimalField(
        max_digits=7,
        decimal_places=4,
        default=Decimal("99.9"),
        validators=[MinValueValidator(Decimal(50)), MaxValueValidator(Decimal("99.9999"))],
    )
    window_days = models.PositiveSmallIntegerField(default=30, validators=[MinValueValidator(3), MaxValueValidator(90)])
    enabled = models.BooleanField(default=True)
    pace = models.CharField(
        max_length=8, choices=[(pace.value, pace.value) for pace in BurnPace], blank=True, default="", editable=False
    )
    incident = models.ForeignKey(
        "incidents.Incident", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=["team", "name"], name="objective_name_in_team"),
            models.CheckConstraint(
                condition=Q(monitor__isnull=False, tag="") | (Q(monitor=None) & ~Q(tag="")),
                name="objective_is_about_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(target_percent__gte=50, target_percent__lt=100), name="objective_target"
            ),
        )

    def __str__(self) -> str:
        return self.name
