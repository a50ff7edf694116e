"""Delivery process: claims outbox rows, sends them, records the outcomes."""
