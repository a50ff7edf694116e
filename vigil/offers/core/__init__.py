"""Pure part of offers."""
