"""Pure part of subscribers: terms, limits, what is said in letters and in the bodies of webhooks."""
