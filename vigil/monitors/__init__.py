"""Monitors and regions: what is checked, and from where."""
