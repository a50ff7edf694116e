"""Model Context Protocol (MCP) as a client that only looks: messages, the fingerprint of tools, and the conversation.

Source: the specification at modelcontextprotocol.io, revisions 2024-11-05 to 2026-07-28. Since 2026-07-28 the protocol
is stateless: no `initialize`, no session, no `ping`.
"""
