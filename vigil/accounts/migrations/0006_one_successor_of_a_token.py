"""One successor of a token: a second rotation is refused."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_stored_answers")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="successor",
            field=models.OneToOneField(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="predecessor",
                to="accounts.apitoken",
            ),
        ),
    ]
