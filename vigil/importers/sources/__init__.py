"""Sources of imports: one file for each tool, and one line in `registry.IMPORTERS`."""
