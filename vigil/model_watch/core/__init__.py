"""Pure part of the model watch."""
