"""Outcomes of pings that are no exit code of a shell: signals, negative and longer codes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("heartbeats", "0002_addresses_notify")]
    operations = [
        migrations.AddField("storedping", "word", models.CharField(db_default="", default="", max_length=64)),
    ]
