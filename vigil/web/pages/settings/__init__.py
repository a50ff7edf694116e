"""Settings: channels, feeds, tokens, health, dead letters, and what a person chose for their device."""
