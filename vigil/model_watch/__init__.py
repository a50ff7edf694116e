"""Model watch: models in use, when they retire, and what changes in the lists of their providers."""
