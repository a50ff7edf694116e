"""History (time-series storage): checks packed by the hour, rollups by hour and day, and queries."""
