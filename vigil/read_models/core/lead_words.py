"""Detection leads in words for tables: a lead with its side, and a year in one sentence. Pure."""

from __future__ import annotations

from datetime import timedelta

from vigil.feeds.core.lead_table import ProviderLeads
from vigil.read_models.core.figures import NO_VALUE, length


def lead_in_words(lead_s: int | None) -> str:
    """`14 min before`, `5 min after`, or a dash."""
    if lead_s is None:
        return NO_VALUE
    return f"{length(timedelta(seconds=abs(lead_s)))} {'before' if lead_s >= 0 else 'after'}"


def year_in_words(rows: list[ProviderLeads]) -> str:
    """Who was first in a year, over all providers."""
    told = sum(one.us + one.them + one.unclear for one in rows)
    silent = sum(one.missed_by_them for one in rows)
    if not told and not silent:
        return "No outage of this year can be compared with a status page yet."
    first = sum(one.us for one in rows)
    ending = f" On {silent} their pages said nothing." if silent else ""
    outages = f"{told} outage{'' if told == 1 else 's'}"
    return f"Vigil was first on {first} of {outages} that status pages told of.{ending}"
