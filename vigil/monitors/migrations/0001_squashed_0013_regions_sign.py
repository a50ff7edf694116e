"""Monitors and regions: the tables of a new installation in one step, for the 13 of an older one."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

import vigil.accounts.public_ids
import vigil.accounts.sealed
import vigil.visible_text
from vigil.database.create_tables import CreateTables


def _before(name: str) -> ModuleType:
    """A migration that this one stands for."""
    return import_module(f"vigil.monitors.migrations.{name}")


class Migration(migrations.Migration):
    replaces = [
        ("monitors", "0001_initial"),
        ("monitors", "0002_notify_changes"),
        ("monitors", "0003_composites"),
        ("monitors", "0004_composites_are_monitors"),
        ("monitors", "0005_dependencies"),
        ("monitors", "0006_priority"),
        ("monitors", "0007_worker_boot"),
        ("monitors", "0008_notify_of_what_dispatch_reads"),
        ("monitors", "0009_paused_why"),
        ("monitors", "0010_words_and_provider"),
        ("monitors", "0011_names_are_visible"),
        ("monitors", "0012_history_of_changes"),
        ("monitors", "0013_regions_sign"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed_0006_one_successor_of_a_token"),
    ]

    operations = [
        CreateTables(
            [
                migrations.CreateModel(
                    name="Region",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "slug",
                            models.CharField(
                                max_length=40,
                                unique=True,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "\\A[a-z0-9][a-z0-9-]{0,39}\\Z",
                                        "Use 1 to 40 lower-case letters, digits and hyphens, starting with a letter or digit.",
                                    )
                                ],
                            ),
                        ),
                        (
                            "name",
                            models.CharField(blank=True, max_length=100, validators=[vigil.visible_text.visible_line]),
                        ),
                        (
                            "domain",
                            models.CharField(
                                max_length=40,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "\\A[a-z0-9][a-z0-9-]{0,39}\\Z",
                                        "Use 1 to 40 lower-case letters, digits and hyphens, starting with a letter or digit.",
                                    )
                                ],
                            ),
                        ),
                        ("enabled", models.BooleanField(default=True)),
                        (
                            "egress",
                            models.CharField(
                                choices=[("public", "Public"), ("private", "Private")], default="public", max_length=10
                            ),
                        ),
                        ("public_key", models.BinaryField(blank=True, max_length=32, null=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("worker_boot", models.CharField(blank=True, default="", editable=False, max_length=40)),
                        ("worker_since", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("signing_key", models.BinaryField(blank=True, max_length=32, null=True)),
                        ("former_signing_key", models.BinaryField(blank=True, max_length=32, null=True)),
                        ("signing_key_since", models.DateTimeField(blank=True, editable=False, null=True)),
                    ],
                    options={
                        "ordering": ("slug",),
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("slug__regex", "^[a-z0-9][a-z0-9-]{0,39}$")),
                                name="region_slug_is_plain",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("domain__regex", "^[a-z0-9][a-z0-9-]{0,39}$")),
                                name="region_domain_is_plain",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Monitor",
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
                                default=vigil.accounts.public_ids.new_monitor,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        ("name", models.CharField(max_length=200, validators=[vigil.visible_text.visible_line])),
                        ("kind", models.CharField(max_length=40)),
                        ("config", models.JSONField(default=dict)),
                        ("secrets", vigil.accounts.sealed.SealedJSONField()),
                        (
                            "interval_s",
                            models.PositiveIntegerField(
                                default=60,
                                validators=[
                                    django.core.validators.MinValueValidator(5),
                                    django.core.validators.MaxValueValidator(86400),
                                ],
                            ),
                        ),
                        (
                            "timeout_ms",
                            models.PositiveIntegerField(
                                default=10000,
                                validators=[
                                    django.core.validators.MinValueValidator(100),
                                    django.core.validators.MaxValueValidator(60000),
                                ],
                            ),
                        ),
                        (
                            "sensitivity",
                            models.CharField(
                                choices=[("high", "high"), ("normal", "normal"), ("low", "low")],
                                default="normal",
                                max_length=10,
                            ),
                        ),
                        ("tags", models.JSONField(blank=True, default=list)),
                        ("paused", models.BooleanField(default=False)),
                        ("revision", models.BigIntegerField(default=1, editable=False)),
                        ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="monitors", to="accounts.team"
                            ),
                        ),
                        ("regions", models.ManyToManyField(blank=True, related_name="monitors", to="monitors.region")),
                        (
                            "priority",
                            models.CharField(
                                choices=[("high", "High"), ("normal", "Normal"), ("low", "Low")],
                                default="normal",
                                max_length=10,
                            ),
                        ),
                        ("paused_why", models.CharField(blank=True, default="", editable=False, max_length=300)),
                        (
                            "provider",
                            models.CharField(blank=True, db_default="", default="", editable=False, max_length=40),
                        ),
                    ],
                    options={
                        "ordering": ("name", "id"),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("deleted_at", None), ("paused", False)),
                                fields=["id"],
                                name="monitor_watched",
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("deleted_at", None)),
                                fields=("team", "name"),
                                name="monitor_name_in_team",
                                violation_error_message="A monitor of this name is already there.",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("interval_s__gte", 5), ("interval_s__lte", 86400)),
                                name="monitor_interval",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(("timeout_ms__gte", 100), ("timeout_ms__lte", 60000)),
                                name="monitor_timeout",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    (
                                        "timeout_ms__lte",
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("interval_s"), "*", models.Value(1000)
                                        ),
                                    )
                                ),
                                name="monitor_timeout_within_interval",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Composite",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "monitor",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="composite",
                                to="monitors.monitor",
                            ),
                        ),
                        (
                            "rule",
                            models.CharField(
                                choices=[("all", "all"), ("any", "any"), ("at_least", "at_least"), ("chain", "chain")],
                                default="chain",
                                max_length=10,
                            ),
                        ),
                        ("k", models.PositiveSmallIntegerField(default=1)),
                    ],
                ),
                migrations.CreateModel(
                    name="CompositeMember",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("rank", models.PositiveSmallIntegerField(default=0)),
                        (
                            "group",
                            models.CharField(
                                blank=True, default="", max_length=200, validators=[vigil.visible_text.visible_line]
                            ),
                        ),
                        (
                            "composite",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="members",
                                to="monitors.composite",
                            ),
                        ),
                        (
                            "monitor",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="composite_memberships",
                                to="monitors.monitor",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("rank", "id"),
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("composite", "rank", "group", "monitor"), name="composite_member_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Dependency",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "child",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="dependencies",
                                to="monitors.monitor",
                            ),
                        ),
                        (
                            "parent",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="dependents",
                                to="monitors.monitor",
                            ),
                        ),
                    ],
                    options={
                        "constraints": [models.UniqueConstraint(fields=("child", "parent"), name="dependency_once")],
                    },
                ),
                migrations.CreateModel(
                    name="MonitorChange",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("at", models.DateTimeField(auto_now_add=True)),
                        ("author", models.CharField(max_length=150)),
                        ("via", models.CharField(blank=True, default="", max_length=20)),
                        (
                            "action",
                            models.CharField(
                                choices=[("created", "Created"), ("changed", "Changed"), ("deleted", "Deleted")],
                                max_length=10,
                            ),
                        ),
                        ("fields", models.JSONField(default=list)),
                        ("revision", models.BigIntegerField()),
                        (
                            "monitor",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="changes",
                                to="monitors.monitor",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("-id",),
                    },
                ),
            ]
        ),
        migrations.RunSQL(_before("0002_notify_changes").FORWARD, _before("0002_notify_changes").BACKWARD),
        migrations.RunSQL(
            _before("0008_notify_of_what_dispatch_reads").FORWARD,
            _before("0008_notify_of_what_dispatch_reads").BACKWARD,
        ),
        migrations.RunSQL(_before("0010_words_and_provider").WORDS, _before("0010_words_and_provider").NO_WORDS),
    ]
