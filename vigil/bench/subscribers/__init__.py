"""Subscribers benchmark."""
