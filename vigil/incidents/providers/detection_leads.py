"""Detection leads: matches the posts of a provider to a team's incidents, and stores who was first."""

from __future__ import annotations

from datetime import datetime, timedelta

from vigil.feeds.core.detection_lead import (
    AFTER,
    BEFORE,
    DetectedOutage,
    LeadState,
    PublicWord,
    lead_of,
    matched,
    settled_state,
)
from vigil.feeds.models import Feed, FeedPost
from vigil.incidents.core.provider_outage import JOINT_KINDS
from vigil.incidents.models import DetectionLead, Incident

#: How long after its verdict an incident is looked at; the rest is settled.
LOOKED_AT = AFTER + timedelta(days=1)
INCIDENTS_MOST, POSTS_MOST = 1_000, 500
_FIELDS = [field.name for field in DetectionLead._meta.fields if not field.primary_key]


def settle_leads(now: datetime) -> int:
    """Store what has changed of all recent incidents whose provider's page is read; returns the number of changes."""
    read = Feed.objects.filter(enabled=True).values_list("provider", flat=True)
    recent = Incident.objects.filter(
        opened_at__gt=now - LOOKED_AT, provider__in=list(read), kind__in=JOINT_KINDS, team__isnull=False
    )
    unsettled = recent.filter(part_of=None).exclude(
        lead__state__in=[LeadState.TOLD, LeadState.SILENT, LeadState.UNREAD]
    )
    wanted = unsettled.order_by("provider", "team_id").values_list("provider", "team_id").distinct()
    return sum(settle(provider, team, now) for provider, team in wanted[:INCIDENTS_MOST])


def settle(provider: str, team: int, now: datetime) -> int:
    """Store the leads of a team's recent incidents of a provider; a lead that is told stays as it is. Idempotent.

    Each row is written by itself: a transaction over several would take their incidents' locks in another order than
    ingest does.
    """
    joined = Incident.objects.filter(provider=provider, team=team, opened_at__gt=now - LOOKED_AT).exclude(part_of=None)
    DetectionLead.objects.filter(incident__in=joined).delete()
    changed = _changed(provider, team, now)
    for one in changed:
        _store(one)
    return len(changed)


def settle_one(incident: Incident, now: datetime) -> DetectionLead | None:
    """Store the lead of this incident, whose row the caller has locked; None while its provider's page is not read."""
    for one in _changed(incident.provider, incident.team_id or 0, now):
        if one.incident_id == incident.pk:
            _store(one)
    return DetectionLead.objects.filter(incident=incident.pk).first()


def _changed(provider: str, team: int, now: datetime) -> list[DetectionLead]:
    """Leads that differ from what is stored, in order; an incident that joined another has none."""
    feed = Feed.objects.filter(provider=provider, enabled=True).first()
    if feed is None:
        return []
    recent = Incident.objects.filter(provider=provider, team=team, opened_at__gt=now - LOOKED_AT, kind__in=JOINT_KINDS)
    alone = list(recent.filter(part_of=None).order_by("pk")[:INCIDENTS_MOST])
    stored = {one.incident_id: one for one in DetectionLead.objects.filter(incident__in=[row.pk for row in alone])}
    told = {key for key, one in stored.items() if one.state == LeadState.TOLD}
    taken = {one.post for key, one in stored.items() if key in told}
    posted = words_of(feed, now - LOOKED_AT - BEFORE)
    words = [word for word in posted if word.key not in taken]
    outages = [outage_of(row) for row in alone]
    # Those that are told as well: a second post about one of them is about no other.
    found = matched(outages, words)
    states = {one.key: settled_state(one, found.get(one.key), feed.ok_at, now, posted) for one in outages}
    leads = [_lead(one, found.get(one.key), states[one.key]) for one in outages if one.key not in told]
    return [one for one in leads if _is_news(one, stored.get(one.incident_id))]


def _store(lead: DetectionLead) -> None:
    DetectionLead.objects.bulk_create([lead], update_conflicts=True, unique_fields=["incident"], update_fields=_FIELDS)


def outage_of(incident: Incident) -> DetectedOutage:
    return DetectedOutage(incident.pk, incident.started_at, incident.opened_at, incident.resolved_at)


def words_of(feed: Feed, since: datetime, until: datetime | None = None, most: int = POSTS_MOST) -> list[PublicWord]:
    """Posts of a feed first seen in a time, the oldest first."""
    posts = feed.posts.filter(seen_at__gte=since)
    if until is not None:
        posts = posts.filter(seen_at__lt=until)
    return [_word(post) for post in posts.order_by("seen_at", "pk")[:most]]


def _word(post: FeedPost) -> PublicWord:
    return PublicWord(post.pk, post.title, post.seen_at, post.absent_at, post.created_at, post.ended_at)


def _lead(outage: DetectedOutage, word: PublicWord | None, state: LeadState) -> DetectionLead:
    if word is None:
        return DetectionLead(incident_id=outage.key, state=state)
    figures = lead_of(outage.decided, word)
    return DetectionLead(
        incident_id=outage.key,
        state=state,
        first=figures.first,
        post=word.key,
        title=word.title,
        seen_at=word.seen,
        absent_at=word.absent,
        created_at=word.created,
        least_s=figures.least_s,
        most_s=figures.most_s,
        claimed_s=figures.claimed_s,
        is_backdated=figures.is_backdated,
    )


def _is_news(now: DetectionLead, before: DetectionLead | None) -> bool:
    """What is settled only gives way to a word."""
    if before is None or now.state == LeadState.TOLD:
        return True
    return before.state == LeadState.WAITING and now.state != LeadState.WAITING
