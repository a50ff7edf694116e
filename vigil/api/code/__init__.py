"""API of monitors as code: the schema of documents, plans and exports."""
