"""Decisions about quotas and regions. Pure."""
