"""Networking for probers: guarded dialing, TLS, HTTP/1.1, deadlines and failures."""
