"""Live facts of monitors and regions: latest results, workers, versions of pages, and notices of changes."""
