"""The consensus process: its loop, streams, lease, handover and settings."""
