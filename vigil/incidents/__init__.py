"""Incidents: monitor states, and the life cycle of every incident."""
