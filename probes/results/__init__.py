"""Results on their way to Redis: published, stored locally while Redis is away, and forwarded later."""
