"""What each managed object was when its document was applied last, so that a change by hand can be shown."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("code", "0002_as_written")]

    operations = [
        migrations.AddField(
            model_name="managedobject",
            name="applied",
            field=models.JSONField(default=dict, db_default=models.Value({}, models.JSONField())),
        ),
    ]
