"""Yearly table of a team's detection leads, and of the posts without an incident of ours."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from django.db.models import Min

from vigil.accounts.models import Team
from vigil.feeds.core.detection_lead import DetectedOutage, LeadState, unmatched
from vigil.feeds.core.lead_table import OutageLead, ProviderLeads, yearly
from vigil.feeds.models import Feed
from vigil.incidents.models import DetectionLead
from vigil.incidents.providers.detection_leads import LOOKED_AT, outage_of, words_of
from vigil.monitors.models import Monitor

#: Leads of one year that are added up.
LEADS_MOST = 20_000
#: Posts of a page in a year: busy ones have more than one a day.
POSTS_MOST = 5_000
FIRST_YEAR = 2020


def lead_table(team: Team, year: int) -> list[ProviderLeads]:
    """The table of a calendar year (UTC), by provider."""
    start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    of_team = DetectionLead.objects.filter(incident__team=team).select_related("incident")
    # One more day on each side: a post at new year may be about an incident of the old one.
    near = of_team.filter(incident__opened_at__gte=start - LOOKED_AT, incident__opened_at__lt=end + LOOKED_AT)
    rows = list(near.order_by("-incident__opened_at")[:LEADS_MOST])
    leads = [
        OutageLead(row.incident.provider, LeadState(row.state), row.figures)
        for row in rows
        if start <= row.incident.opened_at < end
    ]
    outages: dict[str, list[DetectedOutage]] = {}
    for row in rows:
        outages.setdefault(row.incident.provider, []).append(outage_of(row.incident))
    return yearly(leads, _missed(team, outages, start, end))


def _missed(team: Team, outages: dict[str, list[DetectedOutage]], start: datetime, end: datetime) -> Counter[str]:
    """Posts about no incident, since the team watches the provider; not those that stood there at first."""
    watched = Monitor.objects.filter(team=team, deleted_at=None).exclude(provider="")
    since = dict(watched.order_by().values_list("provider").annotate(since=Min("created_at")))
    missed: Counter[str] = Counter()
    for feed in Feed.objects.filter(provider__in=since):
        words = [
            word
            for word in words_of(feed, max(start, since[feed.provider]), end, POSTS_MOST)
            if word.absent is not None
        ]
        missed[feed.provider] = len(
            unmatched(outages.get(feed.provider, []), [word for word in words if word.absent is not None])
        )
    return missed
