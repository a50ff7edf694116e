"""Database sessions of processes: one thread for queries, session locks, and a cache for a transaction."""
