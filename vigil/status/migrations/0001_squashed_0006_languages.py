"""Status pages: the tables of a new installation in one step, for the 6 of an older one."""

from __future__ import annotations

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import vigil.accounts.sealed
import vigil.status.core.access
import vigil.status.core.states
import vigil.status.core.subscriber_terms
import vigil.status.incident_models
import vigil.status.models
import vigil.status.page_models
import vigil.status.subscriber_models
import vigil.visible_text
from vigil.database.create_tables import CreateTables


class Migration(migrations.Migration):
    replaces = [
        ("status", "0001_initial"),
        ("status", "0002_updates_are_drafts_first"),
        ("status", "0003_public_incidents_by_rule_and_plan"),
        ("status", "0004_readers_and_domains"),
        ("status", "0005_subscribers"),
        ("status", "0006_languages"),
    ]

    initial = True

    dependencies = [
        ("accounts", "0001_squashed_0006_one_successor_of_a_token"),
        ("incidents", "0001_squashed_0017_expires_soon"),
        ("monitors", "0001_squashed_0013_regions_sign"),
    ]

    operations = [
        CreateTables(
            [
                migrations.CreateModel(
                    name="PageComponent",
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
                                default=vigil.status.page_models.new_component,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        (
                            "name",
                            models.CharField(
                                help_text="Its public name.",
                                max_length=100,
                                validators=[vigil.visible_text.visible_line],
                            ),
                        ),
                        (
                            "group",
                            models.CharField(
                                blank=True, default="", max_length=100, validators=[vigil.visible_text.visible_line]
                            ),
                        ),
                        (
                            "description",
                            models.CharField(
                                blank=True, default="", max_length=200, validators=[vigil.visible_text.visible_line]
                            ),
                        ),
                        ("position", models.PositiveSmallIntegerField(default=0, editable=False)),
                        (
                            "tag",
                            models.CharField(
                                blank=True, default="", help_text="All monitors with this tag together.", max_length=50
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "monitor",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="components",
                                to="monitors.monitor",
                            ),
                        ),
                        (
                            "page",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="components",
                                to="status.statuspage",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("page", "position", "id"),
                        "constraints": [
                            models.UniqueConstraint(fields=("page", "name"), name="component_name_in_page"),
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("monitor__isnull", False), ("tag", "")),
                                    models.Q(("monitor", None), models.Q(("tag", ""), _negated=True)),
                                    _connector="OR",
                                ),
                                name="component_is_about_one_thing",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="PublicIncident",
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
                                default=vigil.status.models.new_public_incident,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        ("title", models.CharField(max_length=200, validators=[vigil.visible_text.visible_line])),
                        (
                            "impact",
                            models.CharField(
                                choices=[
                                    ("none", "none"),
                                    ("minor", "minor"),
                                    ("major", "major"),
                                    ("critical", "critical"),
                                ],
                                default=vigil.status.core.states.PublicImpact["MINOR"],
                                max_length=10,
                            ),
                        ),
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
                                editable=False,
                                help_text="That of its newest update.",
                                max_length=16,
                            ),
                        ),
                        ("started_at", models.DateTimeField()),
                        ("resolved_at", models.DateTimeField(blank=True, editable=False, null=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "components",
                            models.ManyToManyField(blank=True, related_name="incidents", to="status.pagecomponent"),
                        ),
                        (
                            "incident",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="published",
                                to="incidents.incident",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="public_incidents",
                                to="accounts.team",
                            ),
                        ),
                        (
                            "page",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="incidents",
                                to="status.statuspage",
                            ),
                        ),
                        (
                            "published_at",
                            models.DateTimeField(
                                blank=True,
                                editable=False,
                                help_text="When readers could see it first; null for a draft.",
                                null=True,
                            ),
                        ),
                        ("is_automatic", models.BooleanField(default=False, editable=False)),
                        (
                            "postmortem",
                            models.CharField(
                                blank=True,
                                default="",
                                help_text="What happened and what changes, when it is over.",
                                max_length=20000,
                            ),
                        ),
                        (
                            "postmortem_at",
                            models.DateTimeField(
                                blank=True,
                                editable=False,
                                help_text="When readers could see the postmortem; null for a draft.",
                                null=True,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("-started_at", "-id"),
                        "indexes": [models.Index(fields=["page", "-started_at"], name="public_incident_by_page")],
                    },
                ),
                migrations.CreateModel(
                    name="PublicUpdate",
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
                                default=vigil.status.models.new_public_update,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
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
                                max_length=16,
                            ),
                        ),
                        ("text", models.CharField(max_length=5000)),
                        ("written_by", models.CharField(blank=True, default="", editable=False, max_length=120)),
                        (
                            "incident",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="updates",
                                to="status.publicincident",
                            ),
                        ),
                        (
                            "published_at",
                            models.DateTimeField(
                                blank=True,
                                editable=False,
                                help_text="When readers could see it; null for a draft.",
                                null=True,
                            ),
                        ),
                        (
                            "publish_at",
                            models.DateTimeField(
                                blank=True, help_text="When it is to be published by itself.", null=True
                            ),
                        ),
                        (
                            "edited_at",
                            models.DateTimeField(
                                blank=True,
                                editable=False,
                                help_text="When its text was changed after it was published.",
                                null=True,
                            ),
                        ),
                        (
                            "held_at",
                            models.DateTimeField(
                                blank=True,
                                editable=False,
                                help_text="When it was held back: the incident was over by then.",
                                null=True,
                            ),
                        ),
                        (
                            "told_at",
                            models.DateTimeField(
                                blank=True,
                                editable=False,
                                help_text="When its letters to subscribers were written.",
                                null=True,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("incident", "published_at", "id"),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("publish_at__isnull", False)),
                                fields=["publish_at"],
                                name="update_waits",
                            ),
                            models.Index(
                                condition=models.Q(("published_at__isnull", False), ("told_at", None)),
                                fields=["published_at"],
                                name="update_not_told",
                            ),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(("published_at", None), ("publish_at", None), _connector="OR"),
                                name="update_is_published_or_waits",
                            ),
                            models.CheckConstraint(
                                condition=models.Q(
                                    ("edited_at", None), ("published_at__isnull", False), _connector="OR"
                                ),
                                name="update_is_edited_in_public",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="StatusPage",
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
                                default=vigil.status.page_models.new_status_page,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        (
                            "slug",
                            models.CharField(
                                help_text="Its address: /status/SLUG.",
                                max_length=60,
                                unique=True,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "\\A[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\\Z",
                                        "Lower case letters, digits and hyphens, such as acme.",
                                    ),
                                    django.core.validators.MinLengthValidator(2),
                                ],
                            ),
                        ),
                        ("title", models.CharField(max_length=100, validators=[vigil.visible_text.visible_line])),
                        (
                            "header",
                            models.CharField(
                                blank=True, default="", help_text="Markdown above the components.", max_length=1000
                            ),
                        ),
                        (
                            "footer",
                            models.CharField(
                                blank=True, default="", help_text="Markdown at the end of the page.", max_length=1000
                            ),
                        ),
                        (
                            "visibility",
                            models.CharField(
                                choices=[
                                    ("public", "public"),
                                    ("password", "password"),
                                    ("team", "team"),
                                    ("addresses", "addresses"),
                                ],
                                default=vigil.status.core.access.PageVisibility["PUBLIC"],
                                help_text="Who may read it: everyone, who knows the password, members of the team, or clients in `networks`.",
                                max_length=10,
                            ),
                        ),
                        ("access", models.CharField(blank=True, default="", editable=False, max_length=200)),
                        ("enabled", models.BooleanField(default=True, help_text="Whether it is served.")),
                        ("revision", models.PositiveBigIntegerField(default=0, editable=False)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="status_pages",
                                to="accounts.team",
                            ),
                        ),
                        (
                            "domain",
                            models.CharField(
                                blank=True,
                                db_default="",
                                default="",
                                help_text="A domain of its own, such as status.example.com.",
                                max_length=253,
                            ),
                        ),
                        (
                            "networks",
                            models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
                        ),
                        (
                            "subscriber_kinds",
                            models.JSONField(
                                blank=True,
                                default=vigil.status.page_models.all_kinds,
                                help_text="How readers may subscribe: email, webhook, slack.",
                            ),
                        ),
                        (
                            "language",
                            models.CharField(
                                choices=[("de", "Deutsch"), ("en", "English")],
                                db_default="en",
                                default="en",
                                help_text="Of the words that are not yours.",
                                max_length=10,
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("title", "id"),
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(("visibility", "password"), _negated=True),
                                    models.Q(("access", ""), _negated=True),
                                    _connector="OR",
                                ),
                                name="status_page_has_its_password",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("domain", ""), _negated=True),
                                fields=("domain",),
                                name="status_page_by_domain",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="EarlierText",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("text", models.CharField(max_length=5000)),
                        ("replaced_at", models.DateTimeField()),
                        ("replaced_by", models.CharField(blank=True, default="", editable=False, max_length=120)),
                        (
                            "update_row",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="earlier",
                                to="status.publicupdate",
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
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
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
                                choices=[
                                    ("none", "none"),
                                    ("minor", "minor"),
                                    ("major", "major"),
                                    ("critical", "critical"),
                                ],
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
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("component", "kind"), name="publication_rule_by_component_and_kind"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="AutomaticPublication",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
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
                    options={
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("page", "incident"), name="one_publication_by_page_and_incident"
                            )
                        ],
                    },
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
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
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
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="update_templates",
                                to="accounts.team",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("name", "id"),
                        "constraints": [
                            models.UniqueConstraint(fields=("team", "name"), name="update_template_name_in_team")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Subscriber",
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
                                default=vigil.status.subscriber_models.new_subscriber,
                                editable=False,
                                max_length=24,
                                unique=True,
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[("email", "email"), ("webhook", "webhook"), ("slack", "slack")], max_length=8
                            ),
                        ),
                        ("sealed", vigil.accounts.sealed.SealedJSONField(editable=False)),
                        ("fingerprint", models.CharField(editable=False, max_length=64)),
                        ("whole", models.BooleanField(default=True)),
                        (
                            "state",
                            models.CharField(
                                choices=[("pending", "pending"), ("confirmed", "confirmed"), ("off", "off")],
                                default=vigil.status.core.subscriber_terms.SubscriberState["PENDING"],
                                max_length=10,
                            ),
                        ),
                        (
                            "off_reason",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("bounced", "bounced"),
                                    ("refused", "refused"),
                                    ("failing", "failing"),
                                    ("gone", "gone"),
                                ],
                                default="",
                                max_length=12,
                            ),
                        ),
                        ("last_error", models.CharField(blank=True, default="", max_length=300)),
                        ("failures", models.PositiveSmallIntegerField(default=0)),
                        ("failed_at", models.DateTimeField(blank=True, null=True)),
                        ("asked_at", models.DateTimeField()),
                        ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                        ("off_at", models.DateTimeField(blank=True, null=True)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "components",
                            models.ManyToManyField(blank=True, related_name="subscribers", to="status.pagecomponent"),
                        ),
                        (
                            "page",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="subscribers",
                                to="status.statuspage",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="subscribers",
                                to="accounts.team",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("-id",),
                        "indexes": [models.Index(fields=["page", "state", "kind"], name="subscriber_of_page")],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("page", "kind", "fingerprint"), name="one_subscriber_per_address_of_page"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SubscriberLetter",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[("email", "email"), ("webhook", "webhook"), ("slack", "slack")], max_length=8
                            ),
                        ),
                        (
                            "purpose",
                            models.CharField(
                                choices=[("confirm", "confirm"), ("manage", "manage"), ("update", "update")],
                                max_length=8,
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
                                ],
                                default="pending",
                                max_length=8,
                            ),
                        ),
                        ("attempts", models.PositiveSmallIntegerField(default=0)),
                        ("created_at", models.DateTimeField()),
                        ("due_at", models.DateTimeField()),
                        ("lease_until", models.DateTimeField(blank=True, null=True)),
                        ("lease_token", models.UUIDField(blank=True, null=True)),
                        ("sent_at", models.DateTimeField(blank=True, null=True)),
                        ("last_error", models.CharField(blank=True, default="", max_length=300)),
                        (
                            "subscriber",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="letters",
                                to="status.subscriber",
                            ),
                        ),
                        (
                            "update",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="letters",
                                to="status.publicupdate",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("id",),
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state__in", ["pending", "sending"])),
                                fields=["kind", "purpose", "due_at", "id"],
                                name="subscriber_letter_due",
                            ),
                            models.Index(fields=["created_at"], name="subscriber_letter_by_age"),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("subscriber", "update"), name="one_letter_per_subscriber_and_update"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SubscriptionRequest",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[("email", "email"), ("webhook", "webhook"), ("slack", "slack")], max_length=8
                            ),
                        ),
                        ("sealed", vigil.accounts.sealed.SealedJSONField(editable=False)),
                        ("fingerprint", models.CharField(max_length=64)),
                        ("host_fingerprint", models.CharField(blank=True, default="", max_length=64)),
                        ("components", models.JSONField(blank=True, default=list)),
                        ("at", models.DateTimeField()),
                        (
                            "outcome",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("asked", "asked"),
                                    ("reminded", "reminded"),
                                    ("kind_off", "kind off"),
                                    ("asked_lately", "asked lately"),
                                    ("address_often", "address often"),
                                    ("host_often", "host often"),
                                    ("page_often", "page often"),
                                    ("page_full", "page full"),
                                    ("unreadable", "unreadable"),
                                ],
                                default="",
                                max_length=20,
                            ),
                        ),
                        (
                            "page",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="subscription_requests",
                                to="status.statuspage",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ("id",),
                        "indexes": [
                            models.Index(condition=models.Q(("outcome", "")), fields=["id"], name="subscription_asked"),
                            models.Index(fields=["page", "at"], name="subscription_by_page"),
                            models.Index(fields=["fingerprint", "at"], name="subscription_by_address"),
                            models.Index(
                                condition=models.Q(("host_fingerprint", ""), _negated=True),
                                fields=["host_fingerprint", "at"],
                                name="subscription_by_host",
                            ),
                        ],
                    },
                ),
            ]
        ),
    ]
