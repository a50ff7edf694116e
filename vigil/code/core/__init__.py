"""Pure part of monitors as code: documents, plans, and their words."""
