"""Metrics of one process, for Prometheus: what it counts, and where a scraper reads it."""
