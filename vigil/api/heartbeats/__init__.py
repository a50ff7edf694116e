"""API of heartbeats: settings, pauses, pings, and snippets."""
