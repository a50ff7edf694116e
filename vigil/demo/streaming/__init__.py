"""Streamed answers of the fake AI provider."""
