"""Ends the links in alerts of a channel that a person no longer has: removed from them, or removed with them."""

from __future__ import annotations

from django.db import migrations, models

FORWARD = """
CREATE FUNCTION vigil_channel_taken_away() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE alerts_channel SET links_since = clock_timestamp() WHERE id = OLD.channel_id;
    RETURN NULL;
END $$;
CREATE TRIGGER vigil_channel_taken_away AFTER DELETE ON alerts_person_channels
    FOR EACH ROW EXECUTE FUNCTION vigil_channel_taken_away();
"""

BACKWARD = """
DROP TRIGGER vigil_channel_taken_away ON alerts_person_channels;
DROP FUNCTION vigil_channel_taken_away();
"""


class Migration(migrations.Migration):
    dependencies = [("alerts", "0009_channel_kinds_are_asked")]
    operations = [
        migrations.AddField(
            model_name="channel",
            name="links_since",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
