"""Benchmark of the control plane under many monitors."""
