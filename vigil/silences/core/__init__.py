"""Silence windows, and silences of regions. Pure."""
