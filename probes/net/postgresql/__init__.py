"""PostgreSQL's protocol, as far as a login and an empty query need it."""
