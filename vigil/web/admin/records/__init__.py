"""Read-only pages of the admin: rows that other write paths write, to be searched, filtered and read."""
