"""Status pages in vigil.yaml."""
