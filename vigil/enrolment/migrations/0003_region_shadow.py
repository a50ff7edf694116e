import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrolment", "0002_probation"),
        ("monitors", "0012_history_of_changes"),
    ]

    operations = [
        migrations.RenameModel(old_name="Probation", new_name="RegionShadow"),
        migrations.AlterField(
            model_name="regionshadow",
            name="region",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="shadow",
                serialize=False,
                to="monitors.region",
            ),
        ),
    ]
