"""Read models: what pages show of monitors and incidents, in a constant number of queries; they write nothing."""
