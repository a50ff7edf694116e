"""Benchmark of pings."""
