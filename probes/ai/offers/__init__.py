"""Offers of a gateway: who serves a model, how well, and for how much."""
