"""Uptime Kuma: monitors, notifications, groups and maintenances of any age of its schema."""
