"""API of alerting: channels, routes, on call, silences, deliveries."""
