"""Simulated processes around the real pure core."""
