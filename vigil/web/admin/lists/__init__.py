"""Lists of the admin that stay cheap in a large installation: bounded counts, filters that are searched."""
