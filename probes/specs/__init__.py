"""Fields that the specs of several probers share."""
