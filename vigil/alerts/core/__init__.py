"""Alert decisions: routes, escalation, grouping, pacing, retry. Pure."""
