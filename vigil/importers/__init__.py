"""Importers: a `vigil.yaml` and a report out of another tool's configuration. They write no database."""
