"""Benchmark of one region worker."""
