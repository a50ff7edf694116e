"""Monitors as code: `vigil.yaml`, its plans, and how they are applied."""
