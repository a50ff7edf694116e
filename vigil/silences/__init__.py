"""Stored reasons not to alert, not to look, or not to count: silences and maintenance."""
