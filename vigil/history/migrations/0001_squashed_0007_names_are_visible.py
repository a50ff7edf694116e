"""History: the tables of a new installation in one step, for the 7 of an older one."""

from __future__ import annotations

from decimal import Decimal
from importlib import import_module
from types import ModuleType

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import vigil.history.models.objective
import vigil.history.models.report
import vigil.visible_text
from vigil.database.create_tables import CreateTables


def _before(name: str) -> ModuleType:
    """A migration that this one stands for."""
    return import_module(f"vigil.history.migrations.{name}")


class Migration(migrations.Migration):
    replaces = [
        ("history", "0001_initial"),
        ("history", "0002_unseen"),
        ("history", "0003_objectives"),
        ("history", "0004_days_are_mended"),
        ("history", "0005_long_entry_ids"),
        ("history", "0006_report_claims_have_owners"),
        ("history", "0007_names_are_visible"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed_0006_one_successor_of_a_token"),
        ("incidents", "0001_squashed_0017_expires_soon"),
        ("monitors", "0001_squashed_0013_regions_sign"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(_before("0001_initial").PARTITIONED, _before("0001_initial").NOT_PARTITIONED)
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Chunk",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "hour",
                                "shard",
                                "region",
                                "last_ms",
                                "last_seq",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("hour", models.IntegerField()),
                        ("shard", models.IntegerField()),
                        ("region", models.SmallIntegerField()),
                        ("last_ms", models.BigIntegerField()),
                        ("last_seq", models.IntegerField()),
                        ("payload", models.BinaryField()),
                        ("failures", models.BinaryField(null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="PackedHour",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "monitor",
                                "region",
                                "hour",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("hour", models.IntegerField()),
                        ("monitor", models.IntegerField()),
                        ("region", models.SmallIntegerField()),
                        ("payload", models.BinaryField()),
                        ("failures", models.BinaryField(null=True)),
                    ],
                ),
                migrations.CreateModel(
                    name="RolledDay",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "monitor", "day", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("day", models.IntegerField()),
                        ("monitor", models.IntegerField()),
                        ("payload", models.BinaryField()),
                    ],
                ),
                migrations.CreateModel(
                    name="RolledHours",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "monitor",
                                "region",
                                "day",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("day", models.IntegerField()),
                        ("monitor", models.IntegerField()),
                        ("region", models.SmallIntegerField()),
                        ("payload", models.BinaryField()),
                    ],
                ),
            ],
        ),
        CreateTables(
            [
                migrations.CreateModel(
                    name="Position",
                    fields=[
                        (
                            "region",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="recorded",
                                serialize=False,
                                to="monitors.region",
                            ),
                        ),
                        ("entry_id", models.CharField(max_length=48)),
                        ("updated_at", models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name="SizeSample",
                    fields=[
                        ("day", models.IntegerField(primary_key=True, serialize=False)),
                        ("database_bytes", models.BigIntegerField()),
                        ("history_bytes", models.BigIntegerField()),
                    ],
                ),
                migrations.CreateModel(
                    name="RecordedDay",
                    fields=[
                        ("day", models.IntegerField(primary_key=True, serialize=False)),
                        (
                            "state",
                            models.CharField(
                                choices=[("open", "Open"), ("done", "Done")], default="open", max_length=8
                            ),
                        ),
                        ("next_shard", models.IntegerField(default=0)),
                    ],
                    options={
                        "indexes": [
                            models.Index(condition=models.Q(("state", "open")), fields=["day"], name="day_to_roll_up")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RecordedHour",
                    fields=[
                        ("hour", models.IntegerField(primary_key=True, serialize=False)),
                        (
                            "state",
                            models.CharField(
                                choices=[("open", "Open"), ("done", "Done")], default="open", max_length=8
                            ),
                        ),
                        ("next_shard", models.IntegerField(default=0)),
                        ("again", models.BooleanField(default=False)),
                        ("results", models.BigIntegerField(default=0)),
                        ("touched_at", models.DateTimeField()),
                    ],
                    options={
                        "indexes": [
                            models.Index(condition=models.Q(("state", "open")), fields=["hour"], name="hour_to_pack")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Gap",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "reason",
                            models.CharField(
                                choices=[
                                    ("trimmed", "the stream was cut before it was read"),
                                    ("unreadable", "what the region wrote cannot be read"),
                                    ("implausible", "results of another day, or of the future"),
                                    ("unknown_monitor", "results of monitors that do not exist"),
                                ],
                                max_length=20,
                            ),
                        ),
                        ("from_at", models.DateTimeField()),
                        ("to_at", models.DateTimeField()),
                        ("results", models.BigIntegerField(null=True)),
                        (
                            "region",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="gaps", to="monitors.region"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("-to_at", "-id"),
                        "indexes": [models.Index(fields=["region", "to_at"], name="gap_by_region")],
                    },
                ),
                migrations.CreateModel(
                    name="Unwatched",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("from_at", models.DateTimeField()),
                        ("to_at", models.DateTimeField(null=True)),
                        (
                            "monitor",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="unwatched",
                                to="monitors.monitor",
                            ),
                        ),
                        (
                            "why",
                            models.CharField(
                                choices=[("paused", "Paused"), ("unseen", "Unseen")],
                                db_default="paused",
                                default="paused",
                                max_length=8,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "unwatched",
                        "indexes": [models.Index(fields=["monitor", "from_at"], name="unwatched_by_monitor")],
                    },
                ),
                migrations.CreateModel(
                    name="Objective",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "public_id",
                            models.CharField(
                                default=vigil.history.models.objective.new_objective,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        ("name", models.CharField(max_length=100, validators=[vigil.visible_text.visible_line])),
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
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="objectives",
                                to="accounts.team",
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
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "public_id",
                            models.CharField(
                                default=vigil.history.models.report.new_report,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        (
                            "frequency",
                            models.CharField(choices=[("weekly", "weekly"), ("monthly", "monthly")], max_length=8),
                        ),
                        ("recipients", models.JSONField(default=list)),
                        ("zone", models.CharField(default="UTC", help_text="Whose calendar.", max_length=64)),
                        (
                            "tag",
                            models.CharField(
                                blank=True, default="", help_text="Only monitors with this tag.", max_length=50
                            ),
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
                        ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
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
        ),
        migrations.RunSQL(_before("0001_initial").UNWATCHED, _before("0001_initial").NOT_UNWATCHED),
        migrations.RunSQL(_before("0002_unseen").UNSEEN, _before("0002_unseen").NOT_UNSEEN),
    ]
