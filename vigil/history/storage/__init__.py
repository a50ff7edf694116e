"""Stored history: partitions, packing, rollups, retention and size."""
