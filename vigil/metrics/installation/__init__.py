"""Metrics of the whole installation, from its tables and from Redis."""
