"""Commands of monitors as code."""
