"""API of incidents, responses to them, and self-tests."""
