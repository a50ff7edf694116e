"""Pages for people: one file each, a thin view over a read model."""
