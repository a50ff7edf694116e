"""Provider notes: adds a new status page post to open incidents, and says who was first."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from vigil.feeds.core.detection_lead import AFTER
from vigil.feeds.core.testimony import lead_in_words, lead_s
from vigil.feeds.models import FeedPost
from vigil.feeds.witnesses import declared_of
from vigil.incidents.core.model import Step, StepReason
from vigil.incidents.core.provider_outage import JOINT_KINDS
from vigil.incidents.models import Incident
from vigil.incidents.timeline import EnqueueDeliveries, TimelineEntry, add_step
from vigil.monitors.core.providers import name_of

#: With more incidents than this the note goes to the provider's common one.
INCIDENTS_MOST = 50


def note_declared(posts: Iterable[FeedPost], enqueue: EnqueueDeliveries) -> int:
    """Add a step to the provider's open incidents for each new post; returns their number. Decides nothing."""
    noted = 0
    for post in posts:
        for key in _open_incidents(post):
            with transaction.atomic():
                incident = Incident.objects.select_for_update(of=("self",)).filter(pk=key, resolved_at=None).first()
                if incident is not None and not _is_noted(incident, post):
                    add_step(incident, _line(incident, post), enqueue)
                    noted += 1
    return noted


def _open_incidents(post: FeedPost) -> list[int]:
    about = Incident.objects.filter(provider=post.feed.provider, kind__in=JOINT_KINDS, resolved_at=None, part_of=None)
    recent = about.filter(opened_at__gt=post.seen_at - AFTER).order_by("pk")
    return list(recent.values_list("pk", flat=True)[:INCIDENTS_MOST])


def _is_noted(incident: Incident, post: FeedPost) -> bool:
    return incident.transitions.filter(reason=StepReason.PROVIDER_DECLARED, evidence__post=post.pk).exists()


def _line(incident: Incident, post: FeedPost) -> TimelineEntry:
    declared = declared_of(post)
    lead = lead_s(declared, incident.opened_at)
    words = lead_in_words(declared, incident.opened_at)
    evidence = {
        "post": post.pk,
        "provider": post.feed.provider,
        "title": post.title,
        "seen_ms": round(post.seen_at.timestamp() * 1000),
        "lead_s": None if lead is None else round(lead),
        "unread_s": None if post.absent_at is None else round((post.seen_at - post.absent_at).total_seconds()),
    }
    text = f"{name_of(post.feed.provider)}'s status page posted “{post.title}” {words}."
    return TimelineEntry(Step.NOTE, StepReason.PROVIDER_DECLARED, text, evidence=evidence)
