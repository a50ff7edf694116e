"""Metrics of monitors: their pages and what they read."""
