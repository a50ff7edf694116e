"""Accounts: users, teams, tokens and login links."""
