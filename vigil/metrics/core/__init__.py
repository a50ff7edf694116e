"""Pure parts of the metrics of monitors: families, samples of a result, and their text."""
