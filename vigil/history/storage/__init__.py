"""History storage: partitions, packing, rollups, retention and size."""
