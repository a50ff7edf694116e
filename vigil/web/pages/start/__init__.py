"""Guided start: from what a person runs to a monitor with a proven alert, in three steps."""
