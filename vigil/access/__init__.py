"""What our keys may do at AI providers now: how much of a quota is left, and which regions are served."""
