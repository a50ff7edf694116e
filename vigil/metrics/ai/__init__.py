"""Metrics of what only a monitor of AI endpoints can tell."""
