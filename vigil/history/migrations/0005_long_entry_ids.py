"""A region may give its entries ids of 41 characters."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("history", "0004_days_are_mended"),
    ]

    operations = [
        migrations.AlterField(
            model_name="position",
            name="entry_id",
            field=models.CharField(max_length=48),
        ),
    ]
