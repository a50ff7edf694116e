"""Backup of an installation in one file, and its restore."""
