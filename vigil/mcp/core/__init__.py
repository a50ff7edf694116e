"""Pure parts of the MCP server: schemas, bounds of answers, marks of outside text, and the explanation of a state."""
