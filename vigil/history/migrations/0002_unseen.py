"""Also the stretches in which nobody could see a monitor: no verdict yet, or too few votes."""

from django.db import migrations, models

UNSEEN = """
CREATE OR REPLACE FUNCTION vigil_monitor_unwatched() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was boolean := TG_OP = 'UPDATE' AND (OLD.paused OR OLD.deleted_at IS NOT NULL);
    is_now boolean := NEW.paused OR NEW.deleted_at IS NOT NULL;
BEGIN
    IF is_now AND NOT was THEN
        INSERT INTO history_unwatched (monitor_id, from_at, why) VALUES (NEW.id, now(), 'paused');
    ELSIF was AND NOT is_now THEN
        UPDATE history_unwatched SET to_at = now() WHERE monitor_id = NEW.id AND why = 'paused' AND to_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION vigil_monitor_unseen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was boolean := TG_OP = 'UPDATE' AND (OLD.status = 'unknown' OR OLD.blind);
    is_now boolean := NEW.status = 'unknown' OR NEW.blind;
BEGIN
    IF is_now AND NOT was THEN
        INSERT INTO history_unwatched (monitor_id, from_at, why)
            SELECT id, CASE WHEN TG_OP = 'INSERT' THEN created_at ELSE now() END, 'unseen'
            FROM monitors_monitor WHERE id = NEW.monitor_id;
    ELSIF was AND NOT is_now THEN
        UPDATE history_unwatched SET to_at = now()
            WHERE monitor_id = NEW.monitor_id AND why = 'unseen' AND to_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER vigil_monitor_unseen AFTER INSERT OR UPDATE OF status, blind ON incidents_monitorstate
    FOR EACH ROW EXECUTE FUNCTION vigil_monitor_unseen();
INSERT INTO history_unwatched (monitor_id, from_at, why)
    SELECT monitor_id, now(), 'unseen' FROM incidents_monitorstate WHERE status = 'unknown' OR blind;
"""
NOT_UNSEEN = """
DROP TRIGGER vigil_monitor_unseen ON incidents_monitorstate;
DROP FUNCTION vigil_monitor_unseen();
"""


class Migration(migrations.Migration):
    dependencies = [("history", "0001_initial"), ("incidents", "0003_blind_monitors_are_believed")]

    operations = [
        migrations.AddField(
            model_name="unwatched",
            name="why",
            field=models.CharField(
                choices=[("paused", "Paused"), ("unseen", "Unseen")],
                db_default="paused",
                default="paused",
                max_length=8,
            ),
        ),
        migrations.RunSQL(UNSEEN, NOT_UNSEEN),
    ]
