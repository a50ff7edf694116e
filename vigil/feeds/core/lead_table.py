"""Yearly table of detection leads: per provider, who was first, by how much, and what either side missed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from vigil.feeds.core.detection_lead import LeadFigures, LeadState, WhoWasFirst


@dataclass(frozen=True, slots=True)
class OutageLead:
    """The lead of one outage of a provider; `figures` only when its page told of it."""

    provider: str
    state: LeadState
    figures: LeadFigures | None = None


@dataclass(frozen=True, slots=True)
class ProviderLeads:
    """One provider's year. The figures count outages; leads are in seconds, None without any.

    `missed_by_them`: their page was read and said nothing. `missed_by_us`: posts without an outage of ours.
    """

    provider: str
    outages: int
    us: int
    them: int
    unclear: int
    missed_by_them: int
    missed_by_us: int
    unknown: int
    median_s: int | None
    best_s: int | None
    worst_s: int | None


def yearly(leads: Iterable[OutageLead], unmatched_posts: Mapping[str, int]) -> list[ProviderLeads]:
    """The table, by provider; `unmatched_posts` counts posts that are about no outage of ours."""
    by_provider: dict[str, list[OutageLead]] = {provider: [] for provider in unmatched_posts}
    for one in leads:
        by_provider.setdefault(one.provider, []).append(one)
    return [
        _row(provider, mine, unmatched_posts.get(provider, 0))
        for provider, mine in sorted(by_provider.items())
        if mine or unmatched_posts.get(provider)
    ]


def _row(provider: str, mine: list[OutageLead], missed_by_us: int) -> ProviderLeads:
    figures = [one.figures for one in mine if one.figures is not None]
    counted = [one.counted_s for one in figures]
    first = [one.first for one in figures]
    return ProviderLeads(
        provider=provider,
        outages=len(mine),
        us=first.count(WhoWasFirst.US),
        them=first.count(WhoWasFirst.THEM),
        unclear=first.count(WhoWasFirst.UNCLEAR),
        missed_by_them=sum(one.state is LeadState.SILENT for one in mine),
        missed_by_us=missed_by_us,
        unknown=sum(one.state in (LeadState.WAITING, LeadState.UNREAD) for one in mine),
        median_s=round(median(counted)) if counted else None,
        best_s=max(counted, default=None),
        worst_s=min(counted, default=None),
    )
