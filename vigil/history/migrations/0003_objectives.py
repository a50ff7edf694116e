"""Objectives with error budgets, and reports by mail."""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import vigil.history.models.objective
import vigil.history.models.report


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_default_team"),
        ("history", "0002_unseen"),
        ("incidents", "0008_slo_incidents"),
        ("monitors", "0006_priority"),
    ]

    operations = [
        migrations.CreateModel(
            name="Objective",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(
                        default=vigil.history.models.objective.new_objective, editable=False, max_length=24, unique=True
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                (
                    "tag",
                    models.CharField(
                        blank=True, default="", help_text="All monitors with this tag together.", max_length=50
                    ),
                ),
                (
                    "target_percent",
                    models.DecimalField(
                        decimal_places=4,
                        default=Decimal("99.9"),
                        max_digits=7,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("50")),
                            django.core.validators.MaxValueValidator(Decimal("99.9999")),
                        ],
                    ),
                ),
                (
                    "window_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        validators=[
                            django.core.validators.MinValueValidator(3),
                            django.core.validators.MaxValueValidator(90),
                        ],
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                (
                    "pace",
                    models.CharField(
                        blank=True,
                        choices=[("fast", "fast"), ("steady", "steady"), ("slow", "slow")],
                        default="",
                        editable=False,
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "incident",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="incidents.incident",
                    ),
                ),
                (
                    "monitor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="objectives",
                        to="monitors.monitor",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="objectives", to="accounts.team"
                    ),
                ),
            ],
            options={
                "ordering": ("name", "id"),
                "constraints": [
                    models.UniqueConstraint(fields=("team", "name"), name="objective_name_in_team"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("monitor__isnull", False), ("tag", "")),
                            models.Q(("monitor", None), models.Q(("tag", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="objective_is_about_one_thing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("target_percent__gte", 50), ("target_percent__lt", 100)),
                        name="objective_target",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Report",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(
                        default=vigil.history.models.report.new_report, editable=False, max_length=24, unique=True
                    ),
                ),
                ("frequency", models.CharField(choices=[("weekly", "weekly"), ("monthly", "monthly")], max_length=8)),
                ("recipients", models.JSONField(default=list)),
                ("zone", models.CharField(default="UTC", help_text="Whose calendar.", max_length=64)),
                (
                    "tag",
                    models.CharField(blank=True, default="", help_text="Only monitors with this tag.", max_length=50),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("sent_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("last_error", models.CharField(blank=True, default="", editable=False, max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="reports", to="accounts.team"
                    ),
                ),
            ],
            options={
                "ordering": ("team_id", "frequency", "id"),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("team", "frequency", "tag"), name="one_report_per_team_frequency_and_tag"
                    )
                ],
            },
        ),
    ]
