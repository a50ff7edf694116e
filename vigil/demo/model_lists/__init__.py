"""Models list of the demo that changes, and whose models retire."""
