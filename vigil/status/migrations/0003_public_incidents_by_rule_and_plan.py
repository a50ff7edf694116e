"""Planned maintenance, automatic incidents, templates, postmortems, and what an update said before an edit."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import vigil.status.core.states
import vigil.status.incident_models
import vigil.visible_text


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_one_successor_of_a_token"),
        ("incidents", "0017_expires_soon"),
        ("status", "0002_updates_are_drafts_first"),
    ]

    operations = [
        migrations.AddField(
            model_name="publicincident",
            name="is_automatic",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="publicincident",
            name="postmortem",
            field=models.CharField(
                blank=True, default="", help_text="What happened and what changes, when it is over.", max_length=20000
            ),
        ),
        migrations.AddField(
            model_name="publicincident",
            name="postmortem_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When readers could see the postmortem; null for a draft.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="publicupdate",
            name="held_at",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="When it was held back: the incident was over by then.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="publicincident",
            name="state",
            field=models.CharField(
                choices=[
                    ("investigating", "investigating"),
                    ("identified", "identified"),
                    ("monitoring", "monitoring"),
                    ("resolved", "resolved"),
                    ("scheduled", "scheduled"),
                    ("in_progress", "in_progress"),
                    ("verifying", "verifying"),
                    ("completed", "completed"),
                ],
                default=vigil.status.core.states.UpdateState["INVESTIGATING"],
                editable=False,
                help_text="That of its newest update.",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="publicupdate",
            name="state",
            field=models.CharField(
                choices=[
                    ("investigating", "investigating"),
                    ("identified", "identified"),
                    ("monitoring", "monitoring"),
                    ("resolved", "resolved"),
                    ("scheduled", "scheduled"),
                    ("in_progress", "in_progress"),
                    ("verifying", "verifying"),
                    ("completed", "completed"),
                ],
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="EarlierText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(max_length=5000)),
                ("replaced_at", models.DateTimeField()),
                ("replaced_by", models.CharField(blank=True, default="", editable=False, max_length=120)),
                (
                    "update_row",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="earlier", to="status.publicupdate"
                    ),
                ),
            ],
            options={
                "ordering": ("update_row", "replaced_at", "id"),
            },
        ),
        migrations.CreateModel(
            name="PublicationRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(
                        default=vigil.status.incident_models.new_rule,
                        editable=False,
                        max_length=24,
                        unique=True,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("outage", "outage"), ("degraded", "degraded")],
                        default=vigil.status.core.states.RuleKind["OUTAGE"],
                        max_length=10,
                    ),
                ),
                (
                    "after_s",
                    models.PositiveIntegerField(
                        default=300,
                        help_text="Seconds after the failure began.",
                        validators=[django.core.validators.MaxValueValidator(86400)],
                    ),
                ),
                (
                    "impact",
                    models.CharField(
                        choices=[("none", "none"), ("minor", "minor"), ("major", "major"), ("critical", "critical")],
                        default=vigil.status.core.states.PublicImpact["MAJOR"],
                        max_length=10,
                    ),
                ),
                ("title", models.CharField(max_length=200, validators=[vigil.visible_text.visible_line])),
                ("text", models.CharField(help_text="Its first update.", max_length=5000)),
                ("closing_text", models.CharField(help_text="Its last update, at recovery.", max_length=5000)),
                ("enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "component",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="publication_rules",
                        to="status.pagecomponent",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="publication_rules",
                        to="accounts.team",
                    ),
                ),
            ],
            options={
                "ordering": ("component", "kind"),
            },
        ),
        migrations.CreateModel(
            name="AutomaticPublication",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="incidents.incident"
                    ),
                ),
                (
                    "page",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="status.statuspage"
                    ),
                ),
                (
                    "public",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="publications",
                        to="status.publicincident",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="status.publicationrule",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ScheduledMaintenance",
            fields=[
                (
                    "incident",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="maintenance",
                        serialize=False,
                        to="status.publicincident",
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "is_automatic",
                    models.BooleanField(
                        default=True,
                        help_text="It is in progress from its start and completed at its end without anybody.",
                    ),
                ),
                (
                    "silences",
                    models.BooleanField(
                        default=False,
                        help_text="Alerts of the monitors behind its components are held, and the time is not counted.",
                    ),
                ),
                ("silence", models.CharField(blank=True, default="", editable=False, max_length=24)),
                ("began_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("ended_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="maintenance_due"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))),
                        name="maintenance_ends_after_its_start",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UpdateTemplate",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.CharField(
                        default=vigil.status.incident_models.new_template,
                        editable=False,
                        max_length=24,
                        unique=True,
                    ),
                ),
                ("name", models.CharField(max_length=100, validators=[vigil.visible_text.visible_line])),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("investigating", "investigating"),
                            ("identified", "identified"),
                            ("monitoring", "monitoring"),
                            ("resolved", "resolved"),
                            ("scheduled", "scheduled"),
                            ("in_progress", "in_progress"),
                            ("verifying", "verifying"),
                            ("completed", "completed"),
                        ],
                        default=vigil.status.core.states.UpdateState["INVESTIGATING"],
                        max_length=16,
                    ),
                ),
                (
                    "title",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Of a new incident; may be empty.",
                        max_length=200,
                        validators=[vigil.visible_text.visible_line],
                    ),
                ),
                ("text", models.CharField(max_length=5000)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("components", models.ManyToManyField(blank=True, related_name="+", to="status.pagecomponent")),
                (
                    "page",
                    models.ForeignKey(
                        blank=True,
                        help_text="The page that it is for; every page of the team without one.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="update_templates",
                        to="status.statuspage",
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="update_templates", to="accounts.team"
                    ),
                ),
            ],
            options={
                "ordering": ("name", "id"),
            },
        ),
        migrations.AddConstraint(
            model_name="publicationrule",
            constraint=models.UniqueConstraint(
                fields=("component", "kind"), name="publication_rule_by_component_and_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="automaticpublication",
            constraint=models.UniqueConstraint(
                fields=("page", "incident"), name="one_publication_by_page_and_incident"
            ),
        ),
        migrations.AddConstraint(
            model_name="updatetemplate",
            constraint=models.UniqueConstraint(fields=("team", "name"), name="update_template_name_in_team"),
        ),
    ]
