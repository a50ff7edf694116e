"""Silence windows. Pure."""
