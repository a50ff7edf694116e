"""Middleware of the web process: admission, addresses of clients, sessions, authors, problems, compression and timing."""
