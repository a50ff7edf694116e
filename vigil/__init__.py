"""The memory and the voice: monitors, incidents, alerts, and the people who own them."""
