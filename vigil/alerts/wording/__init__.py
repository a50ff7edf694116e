"""The words of alerts."""
