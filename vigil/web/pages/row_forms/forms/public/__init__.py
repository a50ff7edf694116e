"""Forms of what status pages say: incidents, planned maintenance, rules and templates."""
