"""Heartbeat presentation: badges, charts, snippets. Pure."""
