"""Running checks: when each may start, its attempts, and its limits."""
