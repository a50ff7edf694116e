"""Ping benchmark."""
