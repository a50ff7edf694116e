"""Relations of rows that the caller knows already: reading them through the row asks the database nothing."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Model


def know_related(row: Model, name: str, related: Iterable[Model]) -> None:
    """Keep the rows of a to-many relation as `prefetch_related` would."""
    found = getattr(row, name).all()
    found._result_cache, found._prefetch_done = list(related), True
    row.__dict__.setdefault("_prefetched_objects_cache", {})[name] = found
