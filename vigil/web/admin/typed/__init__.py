"""Typed fields of the admin: what the pages' forms describe, as fields of Django; no one writes JSON."""
