"""Pure part of public incidents: what becomes public by itself, and when."""
