"""Feed statement: what the provider's page says about an incident, and who was first. Pure.

Lead counts from when we saw the feed change, not from its own times, which pages may backdate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from vigil.feeds.core.detection_lead import AFTER, BEFORE, ONE_MOMENT, SAME_MINUTE, length

#: A feed unreadable for this long says nothing.
SILENT_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Declared:
    """A post as stored. `absent` is the last read without it; None if it was there at first."""

    title: str
    seen: datetime
    absent: datetime | None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProviderWitness:
    """A feed: when it was last readable, and its posts around the time in question."""

    provider: str
    ok: datetime | None
    posts: Sequence[Declared] = ()


def relevant(posts: Sequence[Declared], opened: datetime) -> Declared | None:
    """Post that may be about an incident opened at that time: the first around it, else the last open one before."""
    unended = [post for post in posts if post.ended is None or post.ended >= opened]
    around = [post for post in unended if opened - BEFORE <= post.seen <= opened + AFTER]
    before = [post for post in unended if post.seen < opened - BEFORE]
    if around:
        return min(around, key=lambda post: post.seen)
    return max(before, key=lambda post: post.seen, default=None)


def statement(witness: ProviderWitness, opened: datetime, now: datetime, *, over: bool = False) -> str:
    """One sentence; `over` when the incident has ended."""
    page = f"{witness.provider}'s status page"
    post = relevant(witness.posts, opened)
    if post is not None:
        return f"{page} posted “{post.title}” {lead_in_words(post, opened)}."
    if witness.ok is None or now - witness.ok > SILENT_AFTER:
        return f"{page} cannot be read now."
    if over:
        return f"{page} posted no incident meanwhile."
    if now - opened > AFTER:
        return f"{page}: no incident within {round(AFTER.total_seconds() / 60)} minutes."
    return f"{page}: no incident yet."


def lead_in_words(post: Declared, opened: datetime) -> str:
    """Lead or lag of the page, as exactly as it was read."""
    if post.absent is None:
        return "before Vigil read it"
    lead = post.seen - opened
    late = lead >= timedelta()
    apart = f"{length(abs(lead).total_seconds())} {'after' if late else 'before'} us"
    if abs(lead) < SAME_MINUTE:
        apart = "in the same minute as us"
    unread = post.seen - post.absent
    if unread <= ONE_MOMENT:
        return apart
    return f"{apart}, give or take the {length(unread.total_seconds())} for which it was not read"


def lead_s(post: Declared, opened: datetime) -> float | None:
    """Our lead in seconds, negative if the page was first; None if unknown."""
    return None if post.absent is None else (post.seen - opened).total_seconds()
