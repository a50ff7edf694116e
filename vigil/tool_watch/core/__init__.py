"""Pure part of the tool watch."""
