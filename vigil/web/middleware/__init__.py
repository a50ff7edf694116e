"""Middleware of the web process: admission, client addresses, sessions, authors, problems, compression, timing."""
