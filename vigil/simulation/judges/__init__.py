"""Judges of a simulated history, and the rules of other systems."""
