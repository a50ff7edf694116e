"""Gives every composite a monitor of its own, which takes over its team and its name."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def give_monitors(apps: Any, schema_editor: Any) -> None:
    Monitor = apps.get_model("monitors", "Monitor")
    Composite = apps.get_model("monitors", "Composite")
    for composite in Composite.objects.order_by("pk"):
        name, number = composite.name, 1
        while Monitor.objects.filter(team_id=composite.team_id, name=name, deleted_at=None).exists():
            number += 1
            name = f"{composite.name[:190]} ({number})"
        composite.monitor = Monitor.objects.create(
            team_id=composite.team_id, name=name, kind="composite", config={}, tags=[]
        )
        composite.save(update_fields=["monitor"])


class Migration(migrations.Migration):
    dependencies = [("monitors", "0003_composites")]

    operations = [
        migrations.AlterModelOptions(name="composite", options={}),
        migrations.AddField(
            model_name="composite",
            name="monitor",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="composite",
                to="monitors.monitor",
            ),
        ),
        migrations.RunPython(give_monitors, migrations.RunPython.noop),
        # What was just written refers to rows, and a table with such checks outstanding cannot be altered.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.RemoveConstraint(model_name="composite", name="composite_name_in_team"),
        migrations.RemoveField(model_name="composite", name="team"),
        migrations.RemoveField(model_name="composite", name="name"),
        migrations.RemoveField(model_name="composite", name="public_id"),
        migrations.RemoveField(model_name="composite", name="created_at"),
        migrations.RemoveField(model_name="composite", name="updated_at"),
        migrations.AlterField(
            model_name="composite",
            name="monitor",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="composite", to="monitors.monitor"
            ),
        ),
        migrations.AddField(
            model_name="composite",
            name="rule",
            field=models.CharField(
                choices=[("all", "all"), ("any", "any"), ("at_least", "at_least"), ("chain", "chain")],
                default="chain",
                max_length=10,
            ),
        ),
        migrations.AddField(model_name="composite", name="k", field=models.PositiveSmallIntegerField(default=1)),
        migrations.AlterField(
            model_name="compositemember", name="rank", field=models.PositiveSmallIntegerField(default=0)
        ),
        migrations.AlterField(
            model_name="compositemember",
            name="group",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
    ]
