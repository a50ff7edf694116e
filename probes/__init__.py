"""The eyes: region workers that look at targets and report what they saw; no Django, no database."""
