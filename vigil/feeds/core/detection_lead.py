"""Detection lead: how long our verdict came before a provider's first public word. Pure.

A page is read about once a minute, so its first word lies between the last read without the post and the first read
with it. The post's own time may be back-dated: it only counts where those two reads allow it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from vigil.feeds.core.page import PostState
from vigil.feeds.core.state_words import state_of

#: A first word further from the verdict than this is about something else.
BEFORE, AFTER = timedelta(minutes=30), timedelta(minutes=180)
#: Pages also tell of an outage that is over, but not for long.
AFTER_END = timedelta(minutes=60)
#: A post that dates itself earlier than this before the verdict is an old one that came back.
OLD = timedelta(hours=24)
#: Silence that is looked at this much later proves nothing: a post may have come and gone unread.
LATE = timedelta(minutes=30)
#: Two reads this close together make one moment; the figure is then told without a range.
ONE_MOMENT = timedelta(seconds=150)
SAME_MINUTE = timedelta(seconds=30)


class WhoWasFirst(StrEnum):
    """Who told of an outage first. `UNCLEAR`: the reads of the page do not tell."""

    US = "us"
    THEM = "them"
    UNCLEAR = "unclear"


class LeadState(StrEnum):
    """What is known of the provider's word on one outage.

    `SILENT`: the page was read and said nothing. `UNREAD`: nothing is known, since nobody read it, or since it had a
    post that is the word on another outage.
    """

    WAITING = "waiting"
    TOLD = "told"
    SILENT = "silent"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class DetectedOutage:
    """An outage as we saw it: first failing observation, verdict, and end (None while open)."""

    key: int
    failed: datetime
    decided: datetime
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class PublicWord:
    """A post: first read with it, last read without it (None: it was there at first), and its own time if any."""

    key: int
    title: str
    seen: datetime
    absent: datetime | None
    created: datetime | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class LeadFigures:
    """Lead in seconds, negative where the page was first: at least, at most, and by the post's own time.

    `least_s` is None where the page had the post when it was first read. `claimed_s` is None where the post has no
    time, or one that our reads refute; `is_backdated` says the latter.
    """

    least_s: int | None
    most_s: int
    claimed_s: int | None = None
    is_backdated: bool = False

    @property
    def first(self) -> WhoWasFirst:
        if self.most_s < 0:
            return WhoWasFirst.THEM
        if self.least_s is None:
            return WhoWasFirst.UNCLEAR
        # A provider has no reason to date its word later than it was.
        sure_s = self.least_s if self.claimed_s is None else max(self.least_s, self.claimed_s)
        return WhoWasFirst.US if sure_s > 0 else WhoWasFirst.UNCLEAR

    @property
    def counted_s(self) -> int:
        """The figure of tables: by the post's own time where the reads allow that, else the least that they allow."""
        if self.claimed_s is not None:
            return self.claimed_s
        return self.most_s if self.least_s is None else self.least_s


def lead_of(decided: datetime, word: PublicWord) -> LeadFigures:
    """The lead of a verdict over a post."""
    least_s = None if word.absent is None else _seconds(word.absent - decided)
    most_s = _seconds(word.seen - decided)
    if word.created is None or word.created > word.seen:
        return LeadFigures(least_s, most_s)
    if word.absent is not None and word.created < word.absent - SAME_MINUTE:
        return LeadFigures(least_s, most_s, None, is_backdated=True)
    return LeadFigures(least_s, most_s, _seconds(word.created - decided))


def matched(outages: Sequence[DetectedOutage], words: Sequence[PublicWord]) -> Mapping[int, PublicWord]:
    """First word on each outage, by the outage's key. A post is about one outage: the nearest that it can be about."""
    about: dict[int, list[PublicWord]] = {}
    for word in words:
        near = [one for one in outages if can_be_about(one, word)]
        if near:
            nearest = min(near, key=lambda one: (abs(word.seen - one.decided), one.decided, one.key))
            about.setdefault(nearest.key, []).append(word)
    return {key: min(mine, key=lambda word: (word.seen, word.key)) for key, mine in about.items()}


def unmatched(outages: Sequence[DetectedOutage], words: Sequence[PublicWord]) -> list[PublicWord]:
    """Posts that are about no outage of ours, planned work left out: what we missed."""
    ordered = sorted(outages, key=lambda one: one.decided)
    decided = [one.decided for one in ordered]

    def is_about_one(word: PublicWord) -> bool:
        near = ordered[bisect_left(decided, word.seen - AFTER) : bisect_right(decided, word.seen + BEFORE)]
        return any(can_be_about(outage, word) for outage in near)

    return [word for word in words if not is_planned(word.title) and not is_about_one(word)]


def can_be_about(outage: DetectedOutage, word: PublicWord) -> bool:
    """Whether a post may tell of an outage: near in time, no planned work, no old post that came back."""
    if is_planned(word.title):
        return False
    if word.created is not None and word.created < outage.decided - OLD:
        return False
    if word.ended is not None and word.ended <= outage.failed:
        return False
    return outage.decided - BEFORE <= word.seen <= closes_at(outage)


def is_on_page(outage: DetectedOutage, words: Sequence[PublicWord]) -> bool:
    """Whether the page had a post during an outage, whichever outage it is the word on: it was not silent."""
    return any(
        not is_planned(word.title)
        and word.seen <= closes_at(outage)
        and (word.ended is None or word.ended > outage.failed)
        for word in words
    )


def is_planned(title: str) -> bool:
    return state_of(title) is PostState.PLANNED


def closes_at(outage: DetectedOutage) -> datetime:
    """When no later post can be the word on this outage."""
    return outage.decided + AFTER if outage.ended is None else min(outage.decided + AFTER, outage.ended + AFTER_END)


def settled_state(
    outage: DetectedOutage,
    word: PublicWord | None,
    read: datetime | None,
    now: datetime,
    others: Sequence[PublicWord] = (),
) -> LeadState:
    """State of an outage's lead; `read` is when the page was last readable, None if it is not read at all.

    `others` are all posts of that time.
    """
    if word is not None:
        return LeadState.TOLD
    if now <= closes_at(outage):
        return LeadState.WAITING
    closes = closes_at(outage)
    is_known = read is not None and read >= closes and now <= closes + LATE
    return LeadState.SILENT if is_known and not is_on_page(outage, others) else LeadState.UNREAD


def in_words(lead: LeadFigures) -> str:
    """The lead from our side: `14 minutes before their page`, with its range where reads were far apart."""
    if lead.least_s is None:
        if lead.most_s < 0:
            return f"at least {length(-lead.most_s)} after their page"
        return "their page had it when it was first read"
    if lead.most_s - lead.least_s > ONE_MOMENT.total_seconds():
        return _range(lead.least_s, lead.most_s) + _backdated(lead)
    figure_s = lead.most_s
    if abs(figure_s) < SAME_MINUTE.total_seconds():
        return "in the same minute as their page" + _backdated(lead)
    side = "before" if figure_s > 0 else "after"
    return f"{length(abs(figure_s))} {side} their page{_backdated(lead)}"


def told_in_words(provider: str, title: str, lead: LeadFigures) -> str:
    """The lead as a sentence of an alert."""
    if lead.least_s is None and lead.most_s >= 0:
        return f"{provider}'s status page had posted “{title}” when it was first read."
    return f"Seen {in_words(lead)} ({provider}: “{title}”)."


def length(seconds: float) -> str:
    """A length as people say it: minutes below two hours, then hours, then days."""
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    return f"{round(minutes / 60)} hours" if minutes < 2880 else f"{round(minutes / 1440)} days"


def _range(least_s: int, most_s: int) -> str:
    unread = f"the page was not read for {length(most_s - least_s)}"
    if least_s > 0:
        return f"between {length(least_s)} and {length(most_s)} before their page: {unread}"
    if most_s < 0:
        return f"between {length(-most_s)} and {length(-least_s)} after their page: {unread}"
    return f"at most {length(most_s)} before their page, and at most {length(-least_s)} after it: {unread}"


def _backdated(lead: LeadFigures) -> str:
    return "; its post dates itself earlier than it could be read" if lead.is_backdated else ""


def _seconds(span: timedelta) -> int:
    return round(span.total_seconds())
