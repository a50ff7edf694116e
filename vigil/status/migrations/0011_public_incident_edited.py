"""When what stands around the updates of a public incident was changed in public."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("status", "0010_letter_counts"),
    ]

    operations = [
        migrations.AddField(
            model_name="publicincident",
            name="edited_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When its title, impact, components or window was changed after it was published.",
                null=True,
            ),
        ),
    ]
