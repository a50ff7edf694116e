"""Provider status feeds: sources, pages, and what they say of an incident. Pure."""
