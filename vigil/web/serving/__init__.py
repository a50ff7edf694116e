"""Server of the web process: HTTP connections, request bodies, and Django in threads."""
