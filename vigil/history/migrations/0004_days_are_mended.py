"""A day is mended where late results belong, rather than rolled up again."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0003_objectives"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="recordedday",
            name="again",
        ),
    ]
