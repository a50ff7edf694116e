"""Pages of one monitor: itself, its days, its results, its rehearsal, and what people do on it."""
