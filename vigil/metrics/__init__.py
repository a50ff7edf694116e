"""Metrics of Vigil itself, for Prometheus."""
