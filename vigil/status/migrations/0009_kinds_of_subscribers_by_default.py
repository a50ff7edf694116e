"""A page made without kinds of subscribers takes all of them."""

from __future__ import annotations

from django.db import migrations, models

import vigil.status.page_models


class Migration(migrations.Migration):
    dependencies = [
        ("status", "0008_component_options"),
    ]

    operations = [
        migrations.AlterField(
            model_name="statuspage",
            name="subscriber_kinds",
            field=models.JSONField(
                blank=True,
                db_default=models.Value(["email", "webhook", "slack"], models.JSONField()),
                default=vigil.status.page_models.all_kinds,
                help_text="How readers may subscribe: email, webhook, slack.",
            ),
        ),
    ]
