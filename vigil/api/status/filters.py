"""Filters of lists of what belongs to a status page."""

from __future__ import annotations

from vigil.api.base.filters import AnyOfFilter, ListFilters


class OfPageFilters(ListFilters):
    """Rows of one page, or of some."""

    page = AnyOfFilter(
        field_name="page__public_id", max_length=40, pattern=r"stp_[0-9a-z]{1,20}", label="Of these status pages."
    )
