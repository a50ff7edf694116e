"""Heartbeats (dead man's switches of jobs): pings, schedules, and alerts when a ping is missing."""
