"""Forms of rows, a kind a module."""
