"""Lists of tools of MCP servers."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("monitors", "0014_headroom_and_readiness")]

    operations = [
        migrations.CreateModel(
            name="ToolList",
            fields=[
                (
                    "monitor",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="tool_list",
                        serialize=False,
                        to="monitors.monitor",
                    ),
                ),
                ("target", models.CharField(max_length=2048)),
                ("fingerprint", models.CharField(max_length=16)),
                ("count", models.PositiveIntegerField()),
                ("tools", models.JSONField(null=True)),
                ("instructions", models.CharField(blank=True, default="", max_length=16)),
                ("server", models.CharField(blank=True, default="", max_length=120)),
                ("version", models.CharField(blank=True, default="", max_length=20)),
                ("seen_at", models.DateTimeField()),
                ("changed_at", models.DateTimeField()),
                ("candidate", models.CharField(blank=True, default="", max_length=16)),
                ("candidate_since", models.DateTimeField(blank=True, null=True)),
            ],
        ),
    ]
