"""Monitors as code: the tables of a new installation in one step, for the 3 of an older one."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import vigil.accounts.sealed
import vigil.code.models
from vigil.database.create_tables import CreateTables


class Migration(migrations.Migration):
    replaces = [("code", "0001_initial"), ("code", "0002_as_written"), ("code", "0003_applied")]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed_0006_one_successor_of_a_token"),
    ]

    operations = [
        CreateTables(
            [
                migrations.CreateModel(
                    name="ConfigurationPlan",
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
                                default=vigil.code.models.new_plan, editable=False, max_length=24, unique=True
                            ),
                        ),
                        ("project", models.CharField(max_length=100)),
                        ("revision", models.CharField(max_length=24)),
                        ("prune", models.BooleanField(default=False)),
                        ("changes", models.JSONField(default=list)),
                        ("paging", models.JSONField(default=list)),
                        ("warnings", models.JSONField(default=list)),
                        ("commit", models.CharField(blank=True, default="", max_length=100)),
                        ("created_by", models.CharField(blank=True, default="", max_length=150)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("applied_by", models.CharField(blank=True, default="", max_length=150)),
                        ("applied_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE, related_name="plans", to="accounts.team"
                            ),
                        ),
                        ("sealed", vigil.accounts.sealed.SealedJSONField()),
                    ],
                    options={
                        "ordering": ("-id",),
                    },
                ),
                migrations.CreateModel(
                    name="ManagedObject",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("project", models.CharField(max_length=100)),
                        ("section", models.CharField(max_length=20)),
                        ("key", models.CharField(max_length=100)),
                        ("public_id", models.CharField(max_length=60)),
                        ("file", models.CharField(blank=True, default="", max_length=500)),
                        ("line", models.PositiveIntegerField(default=0)),
                        ("references", models.JSONField(default=dict)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="managed_objects",
                                to="accounts.team",
                            ),
                        ),
                        ("written", models.JSONField(default=dict)),
                        ("applied", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
                    ],
                    options={
                        "ordering": ("id",),
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("team", "project", "section", "key"), name="managed_key_in_project"
                            ),
                            models.UniqueConstraint(fields=("team", "public_id"), name="managed_object_once"),
                        ],
                    },
                ),
            ]
        ),
    ]
