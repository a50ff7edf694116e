"""What lists of monitors search and group by: an index of their words, and the provider of their target."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from vigil.monitors.core.providers import provider_of

#: Words of a monitor: of its name, target, tags and id, split at all ASCII but letters and digits. Of an address
#: without its query, which may hold a key.
WORDS = r"""
CREATE FUNCTION vigil_monitor_words(name text, config jsonb, tags jsonb, public_id text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_tsvector('pg_catalog.simple', regexp_replace(left(lower(
        name || ' ' || public_id || ' ' || tags::text || ' ' ||
        regexp_replace(coalesce(config->>'url', ''), '[?#].*', '') || ' ' ||
        coalesce(config->>'host', '') || ' ' || coalesce(config->>'domain', '') || ' ' || coalesce(config->>'name', '')
    ), 8000), '[\x01-\x2f\x3a-\x60\x7b-\x7f]+', ' ', 'g'))
$$;
CREATE INDEX monitor_words ON monitors_monitor
    USING gin (vigil_monitor_words(name, config, tags, public_id)) WHERE deleted_at IS NULL;
"""
NO_WORDS = """
DROP INDEX monitor_words;
DROP FUNCTION vigil_monitor_words(text, jsonb, jsonb, text);
"""

PIECE = 2_000


def fill_providers(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    monitor = apps.get_model("monitors", "Monitor")
    changed = []
    for row in monitor.objects.only("id", "config").iterator(chunk_size=PIECE):
        row.provider = provider_of(row.config)
        if row.provider:
            changed.append(row)
    monitor.objects.bulk_update(changed, ["provider"], batch_size=PIECE)


class Migration(migrations.Migration):
    dependencies = [("monitors", "0009_paused_why")]
    operations = [
        migrations.AddField(
            model_name="monitor",
            name="provider",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=40),
        ),
        migrations.RunPython(fill_providers, migrations.RunPython.noop),
        migrations.RunSQL(WORDS, NO_WORDS),
    ]
