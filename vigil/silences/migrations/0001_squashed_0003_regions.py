"""Silences: the tables of a new installation in one step, for the 3 of an older one."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import vigil.silences.models
import vigil.visible_text
from vigil.database.create_tables import CreateTables


class Migration(migrations.Migration):
    replaces = [("silences", "0001_initial"), ("silences", "0002_names_are_visible"), ("silences", "0003_regions")]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed_0006_one_successor_of_a_token"),
        ("monitors", "0001_squashed_0013_regions_sign"),
    ]

    operations = [
        CreateTables(
            [
                migrations.CreateModel(
                    name="Silence",
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
                                default=vigil.silences.models.new_silence, editable=False, max_length=24, unique=True
                            ),
                        ),
                        ("name", models.CharField(max_length=100, validators=[vigil.visible_text.visible_line])),
                        ("reason", models.CharField(blank=True, default="", max_length=500)),
                        (
                            "mutes",
                            models.BooleanField(
                                default=True, help_text="Alerts are held, and sent at its end if still due."
                            ),
                        ),
                        (
                            "pauses",
                            models.BooleanField(
                                default=False, help_text="Nothing is checked; that time does not count in uptime."
                            ),
                        ),
                        (
                            "excludes",
                            models.BooleanField(default=False, help_text="Time within it does not count in uptime."),
                        ),
                        ("every_monitor", models.BooleanField(default=False)),
                        (
                            "tags",
                            models.JSONField(blank=True, default=list, help_text="Monitors with any of these tags."),
                        ),
                        ("starts_at", models.DateTimeField(blank=True, null=True)),
                        ("ends_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "cron",
                            models.CharField(
                                blank=True, default="", help_text="Start of each window: 30 2 * * SUN.", max_length=100
                            ),
                        ),
                        ("duration_s", models.PositiveIntegerField(default=0)),
                        (
                            "zone",
                            models.CharField(
                                default="UTC", help_text="Time zone of the cron expression.", max_length=64
                            ),
                        ),
                        ("valid_from", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("valid_until", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("created_by", models.CharField(blank=True, default="", editable=False, max_length=120)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "monitors",
                            models.ManyToManyField(blank=True, related_name="silences", to="monitors.monitor"),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="silences", to="accounts.team"
                            ),
                        ),
                        (
                            "regions",
                            models.JSONField(
                                blank=True,
                                db_default=models.Value([], models.JSONField()),
                                default=list,
                                help_text="Only alerts of regional incidents in these regions; every alert if empty.",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("-id",),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("valid_until", None)),
                                fields=["team", "ends_at"],
                                name="silence_valid",
                            )
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("mutes", True), ("pauses", True), ("excludes", True), _connector="OR"
                                ),
                                name="silence_does_something",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("cron", ""), _negated=True),
                                    models.Q(("ends_at__isnull", False), ("starts_at__isnull", False)),
                                    _connector="OR",
                                ),
                                name="silence_has_a_time",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("regions", []),
                                    models.Q(("excludes", False), ("mutes", True), ("pauses", False)),
                                    _connector="OR",
                                ),
                                name="silence_of_regions_only_mutes",
                            ),
                        ],
                    },
                ),
            ]
        ),
    ]
