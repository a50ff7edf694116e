"""Tells dispatch of every change to a monitor or a region, whoever makes it: NOTIFY vigil_config."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION vigil_monitor_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vigil_config', coalesce(NEW.public_id, OLD.public_id));
    RETURN NULL;
END $$;
CREATE FUNCTION vigil_monitor_regions_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vigil_config', public_id) FROM monitors_monitor
    WHERE id IN (NEW.monitor_id, OLD.monitor_id);
    RETURN NULL;
END $$;
CREATE FUNCTION vigil_region_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vigil_config', 'region:' || coalesce(NEW.slug, OLD.slug));
    RETURN NULL;
END $$;
CREATE TRIGGER vigil_monitor_changed AFTER INSERT OR UPDATE OR DELETE ON monitors_monitor
    FOR EACH ROW EXECUTE FUNCTION vigil_monitor_changed();
CREATE TRIGGER vigil_monitor_regions_changed AFTER INSERT OR UPDATE OR DELETE ON monitors_monitor_regions
    FOR EACH ROW EXECUTE FUNCTION vigil_monitor_regions_changed();
CREATE TRIGGER vigil_region_changed AFTER INSERT OR UPDATE OR DELETE ON monitors_region
    FOR EACH ROW EXECUTE FUNCTION vigil_region_changed();
"""

BACKWARD = """
DROP TRIGGER vigil_region_changed ON monitors_region;
DROP TRIGGER vigil_monitor_regions_changed ON monitors_monitor_regions;
DROP TRIGGER vigil_monitor_changed ON monitors_monitor;
DROP FUNCTION vigil_region_changed();
DROP FUNCTION vigil_monitor_regions_changed();
DROP FUNCTION vigil_monitor_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("monitors", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
