"""Adds the keys that regions sign with."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitors", "0012_history_of_changes")]

    operations = [
        migrations.AddField(
            model_name="region",
            name="signing_key",
            field=models.BinaryField(blank=True, editable=False, max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="region",
            name="former_signing_key",
            field=models.BinaryField(blank=True, editable=False, max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="region",
            name="signing_key_since",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
