"""Connections of the clients of Redis, made to last."""
