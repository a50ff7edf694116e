"""What the supervisor knows of its processes: how each has fared, its last words, and whether it is stopped."""
