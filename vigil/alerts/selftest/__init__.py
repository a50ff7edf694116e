"""Self-tests of alerting, and the dead man's switch."""
