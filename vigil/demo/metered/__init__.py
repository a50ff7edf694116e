"""Fake providers whose keys have limits, and that do not serve everywhere."""
