"""Benchmark of history."""
