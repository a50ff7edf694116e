"""API of who is told: channels, routes, on call, silences, deliveries."""
