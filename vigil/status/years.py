"""Years of pages for the publisher: read anew after a change of a page, and every ten minutes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from vigil.status.core.history.year import PageYear
from vigil.status.models import StatusPage
from vigil.status.reading import read_year

#: How old a year may be: but for today its days are over.
KEPT = timedelta(minutes=10)


class PageYears:
    """Years by the ids of pages, with the revision of which they are."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, PageYear]] = {}

    def of(self, page: StatusPage, now: datetime) -> PageYear:
        """The year of a page."""
        revision, year = self._kept.get(page.public_id, (-1, None))
        if year is None or revision != page.revision or now - year.at >= KEPT:
            year = read_year(page, now)
            self._kept[page.public_id] = (page.revision, year)
        return year

    def keep_only(self, ids: Collection[str]) -> None:
        """Forget the years of other pages."""
        self._kept = {key: kept for key, kept in self._kept.items() if key in ids}
