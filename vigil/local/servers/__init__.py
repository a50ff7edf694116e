"""Servers of one machine: embedded PostgreSQL and Redis, their users, and free ports."""
