"""Pure part of canaries."""
