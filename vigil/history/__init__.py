"""What the regions saw: packed by the hour, rolled up by the hour and the day, and what is asked of it."""
