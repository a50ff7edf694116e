"""Objects in the database as documents see them: read for plans, and written through their write paths."""
