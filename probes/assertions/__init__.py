"""Assertions on an answer, and the parts of an answer that they read."""
