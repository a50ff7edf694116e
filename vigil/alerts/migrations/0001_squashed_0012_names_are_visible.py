"""Channels, routes, deliveries and on-call: the tables of a new installation in one step, for the 12 of an older one."""

from __future__ import annotations

import datetime
from importlib import import_module
from types import ModuleType

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import vigil.accounts.public_ids
import vigil.accounts.sealed
import vigil.alerts.models.channel
import vigil.alerts.models.escalation
import vigil.alerts.models.person
import vigil.alerts.models.rotation
import vigil.alerts.models.route
import vigil.visible_text
from vigil.database.create_tables import CreateTables


def _before(name: str) -> ModuleType:
    """A migration that this one stands for."""
    return import_module(f"vigil.alerts.migrations.{name}")


class Migration(migrations.Migration):
    replaces = [
        ("alerts", "0001_initial"),
        ("alerts", "0002_held_deliveries"),
        ("alerts", "0003_on_call"),
        ("alerts", "0004_channel_kinds"),
        ("alerts", "0005_told_together"),
        ("alerts", "0006_self_test"),
        ("alerts", "0007_gathering"),
        ("alerts", "0008_superseded"),
        ("alerts", "0009_channel_kinds_are_asked"),
        ("alerts", "0010_links_end"),
        ("alerts", "0011_incidents_told_in_a_minute"),
        ("alerts", "0012_names_are_visible"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed_0006_one_successor_of_a_token"),
        ("accounts", "__first__"),
        ("incidents", "0001_squashed_0017_expires_soon"),
        ("monitors", "0001_squashed_0013_regions_sign"),
    ]

    operations = [
        CreateTables(
            [
                migrations.CreateModel(
                    name="Channel",
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
                                default=vigil.accounts.public_ids.new_channel,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        ("name", models.CharField(max_length=100, validators=[vigil.visible_text.visible_line])),
                        ("kind", models.CharField(choices=vigil.alerts.models.channel.channel_kinds, max_length=20)),
                        ("config", models.JSONField(blank=True, default=dict)),
                        ("secrets", vigil.accounts.sealed.SealedJSONField()),
                        ("enabled", models.BooleanField(default=True)),
                        (
                            "fallback",
                            models.BooleanField(
                                default=False,
                                help_text="Used only when no other channel accepted an alert within two minutes.",
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT, related_name="channels", to="accounts.team"
                            ),
                        ),
                        (
                            "self_test_minutes",
                            models.PositiveIntegerField(
                                default=0,
                                help_text="Minutes between self-tests of this channel; 0 for none.",
                                validators=[vigil.alerts.models.channel.check_self_test_minutes],
                            ),
                        ),
                        ("disabled_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("disabled_why", models.CharField(blank=True, default="", editable=False, max_length=300)),
                        (
                            "gather",
                            models.BooleanField(
                                default=True,
                                help_text="In a storm, group incidents into one message that lists them all. Off: one message each.",
                            ),
                        ),
                        ("refused", models.JSONField(blank=True, default=list, editable=False)),
                        ("links_since", models.DateTimeField(blank=True, editable=False, null=True)),
                    ],
                    options={
                        "ordering": ("name", "id"),
                        "constraints": [models.UniqueConstraint(fields=("team", "name"), name="channel_name_in_team")],
                    },
                ),
                migrations.CreateModel(
                    name="Delivery",
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
                                default=vigil.accounts.public_ids.new_delivery,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        (
                            "event",
                            models.CharField(
                                choices=[
                                    ("trigger", "trigger"),
                                    ("resolve", "resolve"),
                                    ("note", "note"),
                                    ("acknowledge", "acknowledge"),
                                ],
                                max_length=12,
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("pending", "Pending"),
                                    ("sending", "Sending"),
                                    ("sent", "Sent"),
                                    ("dead", "Dead"),
                                    ("held", "Held"),
                                    ("withheld", "Withheld"),
                                    ("gathered", "Gathered"),
                                ],
                                default="pending",
                                max_length=10,
                            ),
                        ),
                        ("attempts", models.PositiveIntegerField(default=0)),
                        ("created_at", models.DateTimeField()),
                        ("due_at", models.DateTimeField()),
                        ("lease_until", models.DateTimeField(blank=True, null=True)),
                        ("lease_token", models.UUIDField(blank=True, null=True)),
                        ("last_error", models.CharField(blank=True, default="", max_length=300)),
                        ("sent_at", models.DateTimeField(blank=True, null=True)),
                        ("escalated_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "channel",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="deliveries",
                                to="alerts.channel",
                            ),
                        ),
                        (
                            "incident",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="deliveries",
                                to="incidents.incident",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="deliveries",
                                to="accounts.team",
                            ),
                        ),
                        (
                            "transition",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="deliveries",
                                to="incidents.transition",
                            ),
                        ),
                        ("because", models.CharField(blank=True, default="", max_length=120)),
                        ("held_by", models.CharField(blank=True, default="", max_length=120)),
                        ("held_until", models.DateTimeField(blank=True, null=True)),
                        ("recheck_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "why",
                            models.CharField(
                                choices=[
                                    ("routed", "routed"),
                                    ("everyone", "everyone"),
                                    ("on_call", "on call"),
                                    ("told_before", "told before"),
                                    ("fallback", "fallback"),
                                    ("self_test", "self test"),
                                ],
                                default="routed",
                                max_length=16,
                            ),
                        ),
                        (
                            "withheld",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("silenced", "silenced"),
                                    ("held_by_parent", "held by parent"),
                                    ("superseded", "superseded"),
                                    ("told_together", "told together"),
                                    ("acknowledged", "acknowledged"),
                                ],
                                default="",
                                max_length=20,
                            ),
                        ),
                        ("answer", models.CharField(blank=True, default="", max_length=300)),
                        (
                            "leader",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="led",
                                to="alerts.delivery",
                            ),
                        ),
                        ("reference", models.CharField(blank=True, default="", max_length=120)),
                        ("tells", models.PositiveIntegerField(default=1)),
                        (
                            "thread",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="followers",
                                to="alerts.delivery",
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "deliveries",
                        "ordering": ("-id",),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state__in", ["pending", "sending"])),
                                fields=["due_at"],
                                name="delivery_open",
                            ),
                            models.Index(fields=["incident", "channel", "id"], name="delivery_order"),
                            models.Index(
                                condition=models.Q(
                                    ("escalated_at", None),
                                    ("event", "trigger"),
                                    models.Q(("state", "sent"), _negated=True),
                                ),
                                fields=["created_at"],
                                name="delivery_to_escalate",
                            ),
                            models.Index(
                                condition=models.Q(("state", "held")), fields=["recheck_at"], name="delivery_held"
                            ),
                            models.Index(
                                condition=models.Q(("state__in", ["pending", "sending"])),
                                fields=["channel", "due_at", "id"],
                                name="delivery_due_on_channel",
                            ),
                            models.Index(
                                condition=models.Q(("leader__isnull", False)), fields=["leader"], name="delivery_led"
                            ),
                            models.Index(
                                condition=models.Q(("thread__isnull", False)), fields=["thread"], name="delivery_thread"
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("transition", "channel"), name="one_delivery_per_transition_and_channel"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Route",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("name", models.CharField(max_length=100, validators=[vigil.visible_text.visible_line])),
                        ("position", models.PositiveIntegerField(default=100)),
                        ("kinds", models.JSONField(blank=True, default=list)),
                        (
                            "tags",
                            models.JSONField(
                                blank=True, default=list, help_text="Monitors with any of these tags; none means all."
                            ),
                        ),
                        (
                            "notes",
                            models.BooleanField(
                                default=False, help_text="Also send notes between trigger and resolve."
                            ),
                        ),
                        ("enabled", models.BooleanField(default=True)),
                        ("channels", models.ManyToManyField(blank=True, related_name="routes", to="alerts.channel")),
                        (
                            "monitor",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="routes",
                                to="monitors.monitor",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="routes", to="accounts.team"
                            ),
                        ),
                        (
                            "days",
                            models.JSONField(
                                blank=True, default=list, help_text="Days of the week, Monday is 0; none means all."
                            ),
                        ),
                        ("default", models.BooleanField(default=False, help_text="Matches when no other route did.")),
                        (
                            "ends",
                            models.TimeField(
                                blank=True, help_text="An end before the start is on the next day.", null=True
                            ),
                        ),
                        (
                            "goes_on",
                            models.BooleanField(
                                default=False, help_text="After a match, let the next routes match too."
                            ),
                        ),
                        ("priorities", models.JSONField(blank=True, default=list)),
                        (
                            "public_id",
                            models.CharField(
                                default=vigil.alerts.models.route.new_route, editable=False, max_length=24, unique=True
                            ),
                        ),
                        (
                            "remind_s",
                            models.PositiveIntegerField(
                                blank=True,
                                help_text="Seconds between reminders until somebody acknowledges; empty for none.",
                                null=True,
                                validators=[
                                    django.core.validators.MinValueValidator(60),
                                    django.core.validators.MaxValueValidator(604800),
                                ],
                            ),
                        ),
                        ("severities", models.JSONField(blank=True, default=list)),
                        ("starts", models.TimeField(blank=True, null=True)),
                        ("zone", models.CharField(default="UTC", help_text="Time zone of the times.", max_length=64)),
                        (
                            "policy",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="routes",
                                to="alerts.escalationpolicy",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("team_id", "position", "id"),
                    },
                ),
                migrations.CreateModel(
                    name="EscalationPolicy",
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
                                default=vigil.alerts.models.escalation.new_policy,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        ("name", models.CharField(max_length=100, validators=[vigil.visible_text.visible_line])),
                        (
                            "repeats",
                            models.PositiveSmallIntegerField(
                                default=0,
                                help_text="How often it repeats after its last step.",
                                validators=[django.core.validators.MaxValueValidator(20)],
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="policies", to="accounts.team"
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "escalation policies",
                        "ordering": ("name", "id"),
                        "constraints": [models.UniqueConstraint(fields=("team", "name"), name="policy_name_in_team")],
                    },
                ),
                migrations.CreateModel(
                    name="Escalation",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("rung", models.PositiveSmallIntegerField(default=0)),
                        ("round", models.PositiveSmallIntegerField(default=0)),
                        ("due_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "incident",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="escalations",
                                to="incidents.incident",
                            ),
                        ),
                        (
                            "policy",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="escalations",
                                to="alerts.escalationpolicy",
                            ),
                        ),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="escalation_due"
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(fields=("incident", "policy"), name="one_escalation_per_policy")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Person",
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
                                default=vigil.alerts.models.person.new_person,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        ("name", models.CharField(max_length=100, validators=[vigil.visible_text.visible_line])),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("channels", models.ManyToManyField(blank=True, related_name="people", to="alerts.channel")),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="people", to="accounts.team"
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="people",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "verbose_name_plural": "people",
                        "ordering": ("name", "id"),
                        "constraints": [models.UniqueConstraint(fields=("team", "name"), name="person_name_in_team")],
                    },
                ),
                migrations.CreateModel(
                    name="Pursuit",
                    fields=[
                        (
                            "incident",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="pursuit",
                                serialize=False,
                                to="incidents.incident",
                            ),
                        ),
                        ("acknowledged_at", models.DateTimeField(blank=True, null=True)),
                        ("acknowledged_by", models.CharField(blank=True, default="", max_length=120)),
                        ("snoozed_until", models.DateTimeField(blank=True, null=True)),
                        ("remind_s", models.PositiveIntegerField(default=0)),
                        ("remind_at", models.DateTimeField(blank=True, null=True)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("remind_at__isnull", False)),
                                fields=["remind_at"],
                                name="pursuit_to_remind",
                            ),
                            models.Index(
                                condition=models.Q(("snoozed_until__isnull", False)),
                                fields=["snoozed_until"],
                                name="pursuit_asleep",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Rotation",
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
                                default=vigil.alerts.models.rotation.new_rotation,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        ("name", models.CharField(max_length=100, validators=[vigil.visible_text.visible_line])),
                        (
                            "zone",
                            models.CharField(default="UTC", help_text="Time zone of the handover.", max_length=64),
                        ),
                        ("starts_on", models.DateField(help_text="The day of the first turn.")),
                        ("handover", models.TimeField(default=datetime.time(9, 0))),
                        (
                            "shift_days",
                            models.PositiveSmallIntegerField(
                                default=7,
                                validators=[
                                    django.core.validators.MinValueValidator(1),
                                    django.core.validators.MaxValueValidator(90),
                                ],
                            ),
                        ),
                        (
                            "feed_key",
                            vigil.accounts.sealed.SealedTextField(
                                default=vigil.alerts.models.rotation.new_feed_key, editable=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="rotations",
                                to="accounts.team",
                            ),
                        ),
                        (
                            "people",
                            models.ManyToManyField(
                                related_name="rotations", through="alerts.RotationMember", to="alerts.person"
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("name", "id"),
                        "constraints": [
                            models.UniqueConstraint(fields=("team", "name"), name="rotation_name_in_team"),
                            models.CheckConstraint(
                                condition=models.Q(("shift_days__gte", 1), ("shift_days__lte", 90)),
                                name="rotation_shift_length",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="EscalationStep",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("position", models.PositiveSmallIntegerField()),
                        (
                            "delay_s",
                            models.PositiveIntegerField(
                                default=0,
                                help_text="Seconds after the previous step.",
                                validators=[django.core.validators.MaxValueValidator(86400)],
                            ),
                        ),
                        (
                            "channels",
                            models.ManyToManyField(blank=True, related_name="escalation_steps", to="alerts.channel"),
                        ),
                        (
                            "policy",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="steps",
                                to="alerts.escalationpolicy",
                            ),
                        ),
                        (
                            "people",
                            models.ManyToManyField(blank=True, related_name="escalation_steps", to="alerts.person"),
                        ),
                        (
                            "rotations",
                            models.ManyToManyField(blank=True, related_name="escalation_steps", to="alerts.rotation"),
                        ),
                    ],
                    options={
                        "ordering": ("position", "id"),
                        "constraints": [
                            models.UniqueConstraint(fields=("policy", "position"), name="policy_step_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RotationMember",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("position", models.PositiveSmallIntegerField()),
                        (
                            "person",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="memberships",
                                to="alerts.person",
                            ),
                        ),
                        (
                            "rotation",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="members",
                                to="alerts.rotation",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("position", "id"),
                        "constraints": [
                            models.UniqueConstraint(fields=("rotation", "position"), name="rotation_place_once")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="RotationOverride",
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
                                default=vigil.alerts.models.rotation.new_override,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        ("starts_at", models.DateTimeField()),
                        ("ends_at", models.DateTimeField()),
                        (
                            "person",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="overrides",
                                to="alerts.person",
                            ),
                        ),
                        (
                            "rotation",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="overrides",
                                to="alerts.rotation",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("id",),
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="override_has_a_length"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="OutsidePing",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("asked_at", models.DateTimeField()),
                        ("ok_at", models.DateTimeField(blank=True, null=True)),
                        ("problem", models.CharField(blank=True, default="", max_length=200)),
                    ],
                ),
                migrations.CreateModel(
                    name="SelfTest",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("begun_at", models.DateTimeField()),
                        ("ended_at", models.DateTimeField(blank=True, null=True)),
                        ("passed", models.BooleanField(blank=True, null=True)),
                        (
                            "incident",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="self_test",
                                to="incidents.incident",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="self_tests",
                                to="accounts.team",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("-id",),
                        "indexes": [models.Index(fields=["team", "-begun_at"], name="self_test_by_team")],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("ended_at", None)),
                                fields=("team",),
                                name="one_self_test_of_a_team_at_once",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Gathering",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("key", models.CharField(max_length=200)),
                        ("since", models.DateTimeField()),
                        ("last", models.DateTimeField()),
                        ("told", models.PositiveIntegerField(default=0)),
                        ("next", models.DateTimeField()),
                        (
                            "channel",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="gatherings",
                                to="alerts.channel",
                            ),
                        ),
                        ("pages", models.FloatField(db_default=0.0, default=0.0)),
                    ],
                    options={
                        "indexes": [models.Index(fields=["last"], name="gathering_last")],
                        "constraints": [
                            models.UniqueConstraint(fields=("channel", "key"), name="gathering_of_channel")
                        ],
                    },
                ),
            ]
        ),
        migrations.RunSQL(_before("0010_links_end").FORWARD, _before("0010_links_end").BACKWARD),
    ]
