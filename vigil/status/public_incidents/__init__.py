"""Public incidents: written, automatic and planned ones, their updates, and what is prepared for them."""
