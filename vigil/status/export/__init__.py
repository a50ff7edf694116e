"""Export of status pages as static files, for a CDN or an object store."""
