"""Chaos: a whole installation under kills, stops, losses and a full disk, and what its receiver was told of outages."""
