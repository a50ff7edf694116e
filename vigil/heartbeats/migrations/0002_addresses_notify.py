"""Tells the receivers of pings whenever an address is added, replaced or gone: NOTIFY vigil_pings."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION vigil_addresses_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('vigil_pings', '');
    RETURN NULL;
END $$;
CREATE TRIGGER vigil_codes_changed AFTER INSERT OR DELETE OR UPDATE OF code ON heartbeats_heartbeat
    FOR EACH STATEMENT EXECUTE FUNCTION vigil_addresses_changed();
CREATE TRIGGER vigil_keys_changed AFTER INSERT OR DELETE OR UPDATE OF key ON heartbeats_teampings
    FOR EACH STATEMENT EXECUTE FUNCTION vigil_addresses_changed();
"""

BACKWARD = """
DROP TRIGGER vigil_codes_changed ON heartbeats_heartbeat;
DROP TRIGGER vigil_keys_changed ON heartbeats_teampings;
DROP FUNCTION vigil_addresses_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("heartbeats", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
