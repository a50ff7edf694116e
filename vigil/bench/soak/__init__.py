"""Soak test: a whole installation under nemeses for minutes or hours; what its receivers were told, and its memory."""
