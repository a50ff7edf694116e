"""Tool watch: the tools of MCP servers as they are known, and a notice where they change."""
