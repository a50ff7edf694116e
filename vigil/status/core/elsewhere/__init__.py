"""What other sites and programs take of a status page: badges, embeds, and texts. Pure."""
