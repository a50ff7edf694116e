"""AI services: error bodies, rate limits, engine metrics and billed calls. Pure."""
