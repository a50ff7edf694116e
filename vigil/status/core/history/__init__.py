"""History of a status page: what happened on each of its last 365 days."""
