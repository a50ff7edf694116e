"""What is shown of a heartbeat: badges, charts, snippets. Pure."""
