"""MCP server: tools for AI assistants, each of which asks the REST API with the assistant's own token."""
