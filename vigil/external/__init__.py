"""External incidents: what other systems report, on the routes of our own."""
