"""Review of a decision: its evidence, its explanation in words, its votes as a table, and its replay. Pure."""
