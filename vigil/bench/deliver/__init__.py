"""Delivery benchmark."""
