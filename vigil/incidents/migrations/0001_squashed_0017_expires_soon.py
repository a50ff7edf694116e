"""Incidents: the tables of a new installation in one step, for the 17 of an older one."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import probes.reasons
import vigil.incidents.models
from vigil.database.create_tables import CreateTables


class Migration(migrations.Migration):
    replaces = [
        ("incidents", "0001_initial"),
        ("incidents", "0002_skipped_is_a_reason"),
        ("incidents", "0003_blind_monitors_are_believed"),
        ("incidents", "0004_heartbeat_incidents"),
        ("incidents", "0005_steps_by_people"),
        ("incidents", "0006_blindness_has_a_cause"),
        ("incidents", "0007_providers"),
        ("incidents", "0008_slo_incidents"),
        ("incidents", "0009_self_test"),
        ("incidents", "0010_channels_switched_off"),
        ("incidents", "0011_dead_letters"),
        ("incidents", "0012_domain_reasons"),
        ("incidents", "0013_reasons_of_redirects_and_filters"),
        ("incidents", "0014_disk_short"),
        ("incidents", "0015_regions_lost_together"),
        ("incidents", "0016_postmortems"),
        ("incidents", "0017_expires_soon"),
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
                    name="IngestPosition",
                    fields=[
                        ("stream", models.CharField(max_length=80, primary_key=True, serialize=False)),
                        ("entry_id", models.CharField(default="0-0", max_length=40)),
                        ("epoch", models.BigIntegerField(default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name="Incident",
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
                                default=vigil.incidents.models.incident_id, editable=False, max_length=40, unique=True
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("outage", "outage"),
                                    ("degraded", "degraded"),
                                    ("account", "account"),
                                    ("regional", "regional"),
                                    ("blind", "blind"),
                                    ("heartbeat", "heartbeat"),
                                    ("slo", "slo"),
                                    ("self_test", "self test"),
                                    ("channel", "channel"),
                                ],
                                max_length=16,
                            ),
                        ),
                        ("cause_key", models.CharField(blank=True, default="", max_length=120)),
                        ("title", models.CharField(max_length=300)),
                        (
                            "failure",
                            models.CharField(
                                choices=[
                                    ("ok", "ok"),
                                    ("dns_error", "dns error"),
                                    ("refused", "refused"),
                                    ("reset", "reset"),
                                    ("unreachable", "unreachable"),
                                    ("timeout", "timeout"),
                                    ("tls_error", "tls error"),
                                    ("certificate_expired", "certificate expired"),
                                    ("certificate_expiring", "certificate expiring"),
                                    ("certificate_invalid", "certificate invalid"),
                                    ("protocol_error", "protocol error"),
                                    ("too_many_redirects", "too many redirects"),
                                    ("too_large", "too large"),
                                    ("bad_redirect", "bad redirect"),
                                    ("http_4xx", "http 4xx"),
                                    ("http_5xx", "http 5xx"),
                                    ("unexpected_status", "unexpected status"),
                                    ("body_mismatch", "body mismatch"),
                                    ("header_mismatch", "header mismatch"),
                                    ("value_mismatch", "value mismatch"),
                                    ("model_missing", "model missing"),
                                    ("model_not_loaded", "model not loaded"),
                                    ("loading", "loading"),
                                    ("overloaded", "overloaded"),
                                    ("stalled", "stalled"),
                                    ("busy", "busy"),
                                    ("slow", "slow"),
                                    ("domain_expiring", "domain expiring"),
                                    ("domain_expired", "domain expired"),
                                    ("auth", "auth"),
                                    ("quota", "quota"),
                                    ("rate_limited", "rate limited"),
                                    ("config", "config"),
                                    ("bot_filter", "bot filter"),
                                    ("blocked", "blocked"),
                                    ("missed", "missed"),
                                    ("overdue", "overdue"),
                                    ("probe_error", "probe error"),
                                    ("skipped", "skipped"),
                                    ("geo_blocked", "geo blocked"),
                                ],
                                default=probes.reasons.Reason["OK"],
                                max_length=32,
                            ),
                        ),
                        ("started_at", models.DateTimeField()),
                        ("opened_at", models.DateTimeField()),
                        ("resolved_at", models.DateTimeField(blank=True, null=True)),
                        ("flapping", models.BooleanField(default=False)),
                        ("steps", models.PositiveIntegerField(default=0)),
                        (
                            "monitor",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="incidents",
                                to="monitors.monitor",
                            ),
                        ),
                        (
                            "team",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="incidents",
                                to="accounts.team",
                            ),
                        ),
                        (
                            "part_of",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="members",
                                to="incidents.incident",
                            ),
                        ),
                        ("provider", models.CharField(blank=True, default="", max_length=40)),
                    ],
                    options={
                        "ordering": ("-opened_at", "-id"),
                        "indexes": [
                            models.Index(fields=["team", "-opened_at"], name="incident_by_team"),
                            models.Index(
                                condition=models.Q(("resolved_at", None)), fields=["kind"], name="incident_open"
                            ),
                            models.Index(
                                condition=models.Q(("resolved_at", None), models.Q(("provider", ""), _negated=True)),
                                fields=["provider"],
                                name="incident_open_of_provider",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                condition=models.Q(("kind__in", ["regional", "blind"]), ("resolved_at", None)),
                                fields=("monitor", "kind"),
                                name="one_open_side_incident_per_monitor",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("monitor", None), ("resolved_at", None)),
                                fields=("kind", "cause_key"),
                                name="one_open_incident_per_cause",
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(
                                    ("kind__in", ["outage", "degraded", "account", "heartbeat"]), ("resolved_at", None)
                                ),
                                fields=("monitor",),
                                name="one_open_incident_per_monitor",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="MonitorState",
                    fields=[
                        (
                            "monitor",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="believed",
                                serialize=False,
                                to="monitors.monitor",
                            ),
                        ),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("up", "up"),
                                    ("degraded", "degraded"),
                                    ("down", "down"),
                                    ("unknown", "unknown"),
                                ],
                                default=probes.reasons.Status["UNKNOWN"],
                                max_length=16,
                            ),
                        ),
                        ("account", models.BooleanField(default=False)),
                        ("since", models.DateTimeField(blank=True, null=True)),
                        ("dissent", models.JSONField(blank=True, default=dict)),
                        ("passed_rounds", models.PositiveSmallIntegerField(default=0)),
                        ("round_ms", models.BigIntegerField(default=0)),
                        ("flips_ms", models.JSONField(blank=True, default=list)),
                        ("regional", models.BooleanField(default=False)),
                        ("blind", models.BooleanField(default=False)),
                        ("flapping", models.BooleanField(default=False)),
                        ("version", models.PositiveBigIntegerField(default=0)),
                        ("verified_at", models.DateTimeField(blank=True, null=True)),
                        ("blind_cause", models.CharField(blank=True, default="", max_length=120)),
                    ],
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(
                                    models.Q(("status", probes.reasons.Status["UP"]), _negated=True),
                                    models.Q(("dissent", {}), _negated=True),
                                    ("blind", True),
                                    _connector="OR",
                                ),
                                fields=["monitor"],
                                name="state_not_plainly_up",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Transition",
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
                                default=vigil.incidents.models.transition_id, editable=False, max_length=40, unique=True
                            ),
                        ),
                        ("seq", models.PositiveIntegerField()),
                        (
                            "step",
                            models.CharField(
                                choices=[
                                    ("opened", "opened"),
                                    ("changed", "changed"),
                                    ("note", "note"),
                                    ("resolved", "resolved"),
                                    ("acknowledged", "acknowledged"),
                                    ("snoozed", "snoozed"),
                                    ("escalated", "escalated"),
                                    ("reminded", "reminded"),
                                ],
                                max_length=16,
                            ),
                        ),
                        (
                            "reason",
                            models.CharField(
                                choices=[
                                    ("confirmed", "confirmed"),
                                    ("worsened", "worsened"),
                                    ("improved", "improved"),
                                    ("recovering", "recovering"),
                                    ("recovered", "recovered"),
                                    ("still_failing", "still failing"),
                                    ("still_passing", "still passing"),
                                    ("first_pass", "first pass"),
                                    ("flapping", "flapping"),
                                    ("stable_again", "stable again"),
                                    ("minority_fails", "minority fails"),
                                    ("minority_recovered", "minority recovered"),
                                    ("minority_excluded", "minority excluded"),
                                    ("whole_domain_fails", "whole domain fails"),
                                    ("became_outage", "became outage"),
                                    ("too_few_votes", "too few votes"),
                                    ("can_see_again", "can see again"),
                                    ("no_quorum", "no quorum"),
                                    ("old_round", "old round"),
                                    ("old_revision", "old revision"),
                                    ("old_epoch", "old epoch"),
                                    ("region_dark", "region dark"),
                                    ("region_back", "region back"),
                                    ("region_sick", "region sick"),
                                    ("region_well", "region well"),
                                    ("regions_lost", "regions lost"),
                                    ("regions_found", "regions found"),
                                    ("monitor_paused", "monitor paused"),
                                    ("monitor_deleted", "monitor deleted"),
                                    ("ping_missed", "ping missed"),
                                    ("job_failed", "job failed"),
                                    ("job_overran", "job overran"),
                                    ("job_well", "job well"),
                                    ("budget_exceeded", "budget exceeded"),
                                    ("budget_kept", "budget kept"),
                                    ("not_receiving", "not receiving"),
                                    ("receiving_again", "receiving again"),
                                    ("failing_together", "failing together"),
                                    ("also_failing", "also failing"),
                                    ("provider_declared", "provider declared"),
                                    ("burning_fast", "burning fast"),
                                    ("burning_steadily", "burning steadily"),
                                    ("burning_slowly", "burning slowly"),
                                    ("burn_over", "burn over"),
                                    ("self_test", "self test"),
                                    ("dead_letters", "dead letters"),
                                    ("no_dead_letters", "no dead letters"),
                                    ("disk_short", "disk short"),
                                    ("disk_well", "disk well"),
                                    ("expires_soon", "expires soon"),
                                    ("expiry_averted", "expiry averted"),
                                    ("channel_refuses", "channel refuses"),
                                    ("channel_back", "channel back"),
                                    ("by_person", "by person"),
                                    ("not_acknowledged", "not acknowledged"),
                                    ("snooze_over", "snooze over"),
                                    ("taken_back", "taken back"),
                                ],
                                max_length=32,
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("text", models.TextField(blank=True, default="")),
                        ("evidence", models.JSONField(blank=True, default=dict)),
                        (
                            "incident",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="transitions",
                                to="incidents.incident",
                            ),
                        ),
                        ("actor", models.CharField(blank=True, default="", max_length=120)),
                    ],
                    options={
                        "ordering": ("incident_id", "seq"),
                        "constraints": [
                            models.UniqueConstraint(fields=("incident", "seq"), name="transition_sequence")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Postmortem",
                    fields=[
                        (
                            "incident",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="postmortem",
                                serialize=False,
                                to="incidents.incident",
                            ),
                        ),
                        ("text", models.TextField()),
                        ("written_by", models.CharField(max_length=120)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                    ],
                ),
            ]
        ),
    ]
