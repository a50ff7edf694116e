"""Heartbeats and pings: the tables of a new installation in one step, for the 3 of an older one."""

from __future__ import annotations

import uuid
from importlib import import_module
from types import ModuleType

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import vigil.heartbeats.models
from vigil.database.create_tables import CreateTables


def _before(name: str) -> ModuleType:
    """A migration that this one stands for."""
    return import_module(f"vigil.heartbeats.migrations.{name}")


class Migration(migrations.Migration):
    replaces = [
        ("heartbeats", "0001_initial"),
        ("heartbeats", "0002_addresses_notify"),
        ("heartbeats", "0003_ping_word"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed_0006_one_successor_of_a_token"),
        ("monitors", "0001_squashed_0013_regions_sign"),
    ]

    operations = [
        CreateTables(
            [
                migrations.CreateModel(
                    name="Reception",
                    fields=[
                        (
                            "id",
                            models.PositiveSmallIntegerField(
                                default=1, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("heard_at", models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name="SpooledEntry",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("entry", models.BinaryField()),
                        ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={
                        "verbose_name_plural": "spooled entries",
                    },
                ),
                migrations.CreateModel(
                    name="TeamPings",
                    fields=[
                        (
                            "team",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="pings",
                                serialize=False,
                                to="accounts.team",
                            ),
                        ),
                        (
                            "key",
                            models.CharField(
                                default=vigil.heartbeats.models.new_key, editable=False, max_length=22, unique=True
                            ),
                        ),
                        (
                            "badge_key",
                            models.CharField(
                                default=vigil.heartbeats.models.new_key, editable=False, max_length=22, unique=True
                            ),
                        ),
                        (
                            "creates",
                            models.BooleanField(
                                default=False,
                                help_text="A ping with ?create=1 to an unknown slug makes a heartbeat of that name.",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "team pings",
                    },
                ),
                migrations.CreateModel(
                    name="Heartbeat",
                    fields=[
                        (
                            "monitor",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="heartbeat",
                                serialize=False,
                                to="monitors.monitor",
                            ),
                        ),
                        (
                            "slug",
                            models.CharField(
                                max_length=100,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "\\A[a-z0-9](?:[a-z0-9_-]{0,98}[a-z0-9])?\\Z",
                                        "Use lower-case letters, digits, - and _, a letter or digit at both ends.",
                                    )
                                ],
                            ),
                        ),
                        ("code", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                        (
                            "badge_code",
                            models.CharField(
                                default=vigil.heartbeats.models.new_key, editable=False, max_length=22, unique=True
                            ),
                        ),
                        (
                            "schedule",
                            models.CharField(
                                choices=[("period", "period"), ("cron", "cron"), ("oncalendar", "oncalendar")],
                                default="period",
                                max_length=12,
                            ),
                        ),
                        ("period_s", models.PositiveIntegerField(default=86400)),
                        ("expression", models.CharField(blank=True, default="", max_length=200)),
                        ("time_zone", models.CharField(default="UTC", max_length=60)),
                        ("grace_s", models.PositiveIntegerField(default=3600)),
                        ("run_limit_s", models.PositiveIntegerField(blank=True, null=True)),
                        ("wakes_on_ping", models.BooleanField(default=False)),
                        ("keywords", models.JSONField(blank=True, default=dict)),
                        ("budget", models.JSONField(blank=True, default=dict)),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("new", "new"),
                                    ("up", "up"),
                                    ("running", "running"),
                                    ("late", "late"),
                                    ("down", "down"),
                                    ("paused", "paused"),
                                ],
                                default="new",
                                max_length=8,
                            ),
                        ),
                        ("since", models.DateTimeField(blank=True, null=True)),
                        ("decided_at", models.DateTimeField(blank=True, null=True)),
                        ("last_success_at", models.DateTimeField(blank=True, null=True)),
                        ("last_ping_at", models.DateTimeField(blank=True, null=True)),
                        ("expected_at", models.DateTimeField(blank=True, null=True)),
                        ("due_at", models.DateTimeField(blank=True, null=True)),
                        ("runs", models.JSONField(blank=True, default=list)),
                        ("logs", models.PositiveIntegerField(default=0)),
                        (
                            "trouble",
                            models.CharField(
                                blank=True,
                                choices=[("", "none"), ("heartbeat", "heartbeat"), ("degraded", "degraded")],
                                default="",
                                max_length=10,
                            ),
                        ),
                        ("pings", models.PositiveBigIntegerField(default=0)),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="heartbeats",
                                to="accounts.team",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("monitor_id",),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="heartbeat_due"
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("team", "slug"), name="heartbeat_slug_in_team")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ReceptionGap",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("begin", models.DateTimeField()),
                        ("end", models.DateTimeField()),
                    ],
                    options={
                        "indexes": [models.Index(fields=["end"], name="reception_gap_end")],
                    },
                ),
                migrations.CreateModel(
                    name="StoredPing",
                    fields=[
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        ("n", models.PositiveBigIntegerField()),
                        ("at", models.DateTimeField()),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("success", "success"),
                                    ("start", "start"),
                                    ("fail", "fail"),
                                    ("log", "log"),
                                    ("ignored", "ignored"),
                                ],
                                max_length=8,
                            ),
                        ),
                        ("exit_code", models.PositiveSmallIntegerField(null=True)),
                        ("rid", models.CharField(default="", max_length=64)),
                        ("duration_ms", models.PositiveBigIntegerField(null=True)),
                        (
                            "method",
                            models.CharField(
                                choices=[("GET", "GET"), ("HEAD", "HEAD"), ("POST", "POST"), ("EMAIL", "EMAIL")],
                                max_length=8,
                            ),
                        ),
                        ("origin", models.CharField(default="", max_length=64)),
                        ("agent", models.CharField(default="", max_length=200)),
                        ("body", models.BinaryField(default=b"")),
                        ("body_size", models.PositiveIntegerField(default=0)),
                        ("facts", models.JSONField(default=dict)),
                        (
                            "heartbeat",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="history",
                                to="heartbeats.heartbeat",
                            ),
                        ),
                        ("word", models.CharField(db_default="", default="", max_length=64)),
                    ],
                    options={
                        "ordering": ("heartbeat_id", "-n"),
                        "constraints": [
                            models.UniqueConstraint(fields=("heartbeat", "n"), name="ping_number_in_heartbeat")
                        ],
                    },
                ),
            ]
        ),
        migrations.RunSQL(_before("0002_addresses_notify").FORWARD, _before("0002_addresses_notify").BACKWARD),
    ]
