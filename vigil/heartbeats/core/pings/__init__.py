"""Pings of heartbeats: address, body, outcome, reply, and the log format from receiver to applier. Pure."""
