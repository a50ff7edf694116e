"""Publication of incidents on status pages, from the page of an incident."""
