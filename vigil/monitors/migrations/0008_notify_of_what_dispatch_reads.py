"""Of a region only what dispatch reads is news to it: not which worker was heard there last."""

from django.db import migrations

FORWARD = """
DROP TRIGGER vigil_region_changed ON monitors_region;
CREATE TRIGGER vigil_region_changed
    AFTER INSERT OR DELETE OR UPDATE OF slug, domain, enabled, egress, public_key ON monitors_region
    FOR EACH ROW EXECUTE FUNCTION vigil_region_changed();
"""

BACKWARD = """
DROP TRIGGER vigil_region_changed ON monitors_region;
CREATE TRIGGER vigil_region_changed AFTER INSERT OR UPDATE OR DELETE ON monitors_region
    FOR EACH ROW EXECUTE FUNCTION vigil_region_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("monitors", "0007_worker_boot")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
