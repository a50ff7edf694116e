"""Paginator with a bounded count: a list of millions of rows is never counted to its end."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

#: Rows that a list counts and turns pages over. What lies further is found by search and filters.
COUNTED_MOST = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts `COUNTED_MOST` rows at most; `is_cut` says that there are more."""

    @cached_property
    def counted(self) -> int:
        """Rows, up to one more than are counted."""
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNTED_MOST + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self.counted, COUNTED_MOST)

    @property
    def is_cut(self) -> bool:
        """Whether there are rows past the last page."""
        return self.counted > COUNTED_MOST
