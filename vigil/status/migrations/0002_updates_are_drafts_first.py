"""Updates may be drafts, wait for their moment, and be edited; an incident is visible from its first one on."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import Min, OuterRef, Q, Subquery


def date_incidents(apps: Any, schema_editor: Any) -> None:
    """What was published before has the time of its first update, else its start."""
    incidents = apps.get_model("status", "PublicIncident").objects
    updates = apps.get_model("status", "PublicUpdate").objects.filter(incident=OuterRef("pk")).order_by()
    first = updates.values("incident").annotate(first=Min("published_at")).values("first")
    incidents.update(published_at=Subquery(first))
    incidents.filter(published_at=None).update(published_at=models.F("started_at"))


class Migration(migrations.Migration):
    dependencies = [("status", "0001_initial")]

    operations = [
        migrations.RenameField("publicupdate", "at", "published_at"),
        migrations.AlterModelOptions("publicupdate", options={"ordering": ("incident", "published_at", "id")}),
        migrations.AlterField(
            "publicupdate",
            "published_at",
            models.DateTimeField(
                blank=True, editable=False, help_text="When readers could see it; null for a draft.", null=True
            ),
        ),
        migrations.AddField(
            "publicupdate",
            "publish_at",
            models.DateTimeField(blank=True, help_text="When it is to be published by itself.", null=True),
        ),
        migrations.AddField(
            "publicupdate",
            "edited_at",
            models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When its text was changed after it was published.",
                null=True,
            ),
        ),
        migrations.AddField(
            "publicincident",
            "published_at",
            models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When readers could see it first; null for a draft.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            "publicupdate",
            models.Index(fields=["publish_at"], name="update_waits", condition=Q(publish_at__isnull=False)),
        ),
        migrations.AddConstraint(
            "publicupdate",
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(publish_at=None), name="update_is_published_or_waits"
            ),
        ),
        migrations.AddConstraint(
            "publicupdate",
            models.CheckConstraint(
                condition=Q(edited_at=None) | Q(published_at__isnull=False), name="update_is_edited_in_public"
            ),
        ),
        migrations.RunPython(date_incidents, migrations.RunPython.noop),
    ]
