"""Recorder process: reads results from streams, writes history."""
