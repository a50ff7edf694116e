"""Silences and maintenance windows: reasons not to alert, not to check, or not to count."""
