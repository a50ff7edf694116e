"""Ends a person's tokens with what they rest on: the membership in the token's team, and the active account."""

from django.db import migrations

FORWARD = """
DELETE FROM accounts_apitoken t WHERE t.user_id IS NOT NULL AND (
    NOT EXISTS (SELECT 1 FROM accounts_membership m WHERE m.user_id = t.user_id AND m.team_id = t.team_id)
    OR NOT (SELECT u.is_active FROM accounts_user u WHERE u.id = t.user_id)
);
CREATE FUNCTION vigil_membership_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM accounts_apitoken WHERE user_id = OLD.user_id AND team_id = OLD.team_id;
    RETURN NULL;
END $$;
CREATE FUNCTION vigil_user_deactivated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM accounts_apitoken WHERE user_id = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER vigil_membership_deleted AFTER DELETE ON accounts_membership
    FOR EACH ROW EXECUTE FUNCTION vigil_membership_ended();
CREATE TRIGGER vigil_membership_moved AFTER UPDATE ON accounts_membership
    FOR EACH ROW WHEN (OLD.user_id <> NEW.user_id OR OLD.team_id <> NEW.team_id)
    EXECUTE FUNCTION vigil_membership_ended();
CREATE TRIGGER vigil_user_deactivated AFTER UPDATE ON accounts_user
    FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active)
    EXECUTE FUNCTION vigil_user_deactivated();
"""

BACKWARD = """
DROP TRIGGER vigil_user_deactivated ON accounts_user;
DROP TRIGGER vigil_membership_moved ON accounts_membership;
DROP TRIGGER vigil_membership_deleted ON accounts_membership;
DROP FUNCTION vigil_user_deactivated();
DROP FUNCTION vigil_membership_ended();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_default_team")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
