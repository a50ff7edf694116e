"""The kinds of channels are asked of the code: a new kind needs no migration."""

from __future__ import annotations

from django.db import migrations, models

import vigil.alerts.models.channel


class Migration(migrations.Migration):
    dependencies = [
        ("alerts", "0008_superseded"),
    ]

    operations = [
        migrations.AlterField(
            model_name="channel",
            name="kind",
            field=models.CharField(choices=vigil.alerts.models.channel.channel_kinds, max_length=20),
        ),
    ]
