"""API of history, uptime, objectives and reports."""
