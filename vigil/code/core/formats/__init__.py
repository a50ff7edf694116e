"""Readers and writers of document texts."""
