"""What the fake provider says besides its API: offers of gateways, and a status page."""
