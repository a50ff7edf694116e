"""Pure parts of external incidents."""
