"""Benchmarks: each prints the measurements of one run, without pass or fail."""
