"""WebSocket connections as a client sees them: the upgrade, and messages after it."""
