"""The table of access of regions has a name for people."""

from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(
            name="regionaccess",
            options={"ordering": ("provider", "host", "region"), "verbose_name_plural": "access of regions"},
        ),
    ]
