"""API of accounts: tokens, teams and members, and who the caller is."""
