"""Control plane: monitors, incidents, alerting, history and accounts."""
