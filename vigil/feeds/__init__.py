"""Provider status feeds: their status pages, as context of incidents; never a vote."""
