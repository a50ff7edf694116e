"""Typed forms of settings: controls read from the structs of kinds, and what a sent form means."""
