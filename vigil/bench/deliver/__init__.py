"""Benchmark of delivery."""
