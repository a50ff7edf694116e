"""Recorded answers of AI gateways."""
