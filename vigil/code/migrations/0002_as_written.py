"""How documents write what stored values do not tell; and the documents of plans, sealed."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("code", "0001_initial")]

    operations = [
        migrations.AddField(model_name="managedobject", name="written", field=models.JSONField(default=dict)),
        migrations.RemoveField(model_name="configurationplan", name="document"),
        migrations.RenameField(model_name="configurationplan", old_name="secrets", new_name="sealed"),
    ]
