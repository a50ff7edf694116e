"""Models lists of providers: what of them is told, and how it is read."""
