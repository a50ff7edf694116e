"""Counts of letters to subscribers, for metrics."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("status", "0009_kinds_of_subscribers_by_default"),
    ]

    operations = [
        migrations.CreateModel(
            name="LetterCount",
            fields=[
                (
                    "kind",
                    models.CharField(
                        choices=[("email", "email"), ("webhook", "webhook"), ("slack", "slack")],
                        max_length=8,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("sent", models.BigIntegerField(default=0)),
                ("dead", models.BigIntegerField(default=0)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AlterField(
            model_name="publicupdate",
            name="held_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When it was held back as a draft: by its moment it could not come next, since the incident was over, or planned work further on.",
                null=True,
            ),
        ),
    ]
