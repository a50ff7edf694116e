"""Pure part of notices."""
