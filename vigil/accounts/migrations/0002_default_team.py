"""Makes the team that everything belongs to until there are others."""

from typing import Any

from django.db import migrations

from vigil.accounts.public_ids import new_team


def make_default_team(apps: Any, schema_editor: Any) -> None:
    apps.get_model("accounts", "Team").objects.get_or_create(
        slug="default", defaults={"name": "Default", "public_id": new_team()}
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(make_default_team, migrations.RunPython.noop)]
