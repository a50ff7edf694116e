"""Certificates of servers: what is wrong with one that does not verify."""
