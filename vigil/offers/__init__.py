"""Offers of gateways for the models that a team watches: kept, compared, and told when they change."""
