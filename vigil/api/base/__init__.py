"""Shared parts of the API: authentication, teams, errors, pages."""
