"""Why-lines: one sentence or two on why a monitor is in its state, from stored votes and state. Pure.

At most `LIMIT` characters: the last sentences go first, and a single long one is cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from consensus.quorum import fewest_votes
from consensus.verdicts import Verdict
from vigil.read_models.core.figures import day, length, minute, moment
from vigil.read_models.core.shown_states import ShownState, Variant
from vigil.read_models.core.sights import sight
from vigil.read_models.core.verdict_words import name_some, of_regions, verdict_sentences

LIMIT = 110

#: All white space but the narrow space before a unit.
_SPACES = re.compile(r"[^\S\u202f]+")


@dataclass(frozen=True, slots=True)
class Differing:
    """A region that contradicts the quorum: its reason, and since when, as far as they are known."""

    region: str
    reason: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A heartbeat's schedule in words (`every 15 min, 5 min grace`), and its calls."""

    status: str
    schedule: str
    expected_at: datetime | None = None
    due_at: datetime | None = None
    last_at: datetime | None = None
    took: timedelta | None = None


@dataclass(frozen=True, slots=True)
class WhyFacts:
    """What a why-line rests on. `regions` are assigned; `can_vote` of them, None where that is not known.

    `verdict` is the newest one stored with the open incident, `text` what its last step says without one.
    `until` ends a maintenance; `first_look_s` is how long a new monitor waits at most.
    """

    state: ShownState
    variant: Variant = Variant.PLAIN
    since: datetime | None = None
    regions: int = 0
    can_vote: int | None = None
    last_look: datetime | None = None
    verified_at: datetime | None = None
    verdict: Verdict | None = None
    text: str = ""
    differing: Sequence[Differing] = ()
    flips: int = 0
    paused_why: str = ""
    paused_by: str = ""
    until: datetime | None = None
    unchecked: bool = False
    first_look_s: int = 0
    job: JobFacts | None = None
    was: str = "up"
    names: Mapping[str, str] = field(default_factory=dict)
    #: What a canary's last answers say; it has no votes.
    canary: str = ""


def why_line(facts: WhyFacts, now: datetime) -> str:
    """The why-line of a monitor, at most `LIMIT` characters."""
    if facts.state is ShownState.UP and facts.variant is Variant.FLAPPING:
        return fit(_flapping(facts))
    if facts.job is not None and facts.state not in (ShownState.PAUSED, ShownState.MAINTENANCE):
        return fit(_job(facts, facts.job, now))
    if facts.canary and facts.state in (ShownState.UP, ShownState.UNKNOWN, ShownState.NEW):
        return fit([facts.canary])
    return fit(_BY_STATE[facts.state](facts, now))


def says_how_long(facts: WhyFacts) -> bool:
    """Whether the why-line itself names how long the state has lasted, so that nothing beside it needs to."""
    if facts.since is None or facts.job is not None or facts.canary:
        return False
    if facts.state is ShownState.UP:
        return facts.variant is not Variant.FLAPPING and not facts.differing
    return facts.state in (ShownState.DOWN, ShownState.DEGRADED) and not _said(facts)


def fit(sentences: Iterable[str], limit: int = LIMIT) -> str:
    """As many of the sentences as fit, the first one cut if it is too long alone."""
    found = [_SPACES.sub(" ", sentence).strip() for sentence in sentences]
    found = [sentence for sentence in found if sentence]
    while len(found) > 1 and len(" ".join(found)) > limit:
        found.pop()
    line = " ".join(found)
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def _up(facts: WhyFacts, now: datetime) -> list[str]:
    if facts.differing:
        return _regional(facts, now)
    lasted = f"Up for {length(now - facts.since)}." if facts.since else "Up."
    look = f", last look {moment(facts.last_look, now)}" if facts.last_look else ""
    if facts.regions > 1:
        return [lasted, f"All {facts.regions} regions agree{look}."]
    return [lasted, f"Seen from one region{look}." if facts.regions else ""]


def _regional(facts: WhyFacts, now: datetime) -> list[str]:
    first, n = facts.differing[0], max(facts.regions, len(facts.differing))
    verb = "disagrees" if len(facts.differing) == 1 else "disagree"
    since = f" since {minute(first.since, now)}" if first.since else ""
    if len(facts.differing) == 1:
        saw = f": {first.region} sees {sight(first.reason)}{since}" if first.reason else f": {first.region}{since}"
    else:
        saw = f": {name_some([one.region for one in facts.differing])}{since}"
    missing = n // 2 + 1 - len(facts.differing)
    more = f"{missing} more vote{'' if missing == 1 else 's'} would confirm." if missing > 0 else ""
    return [f"Up. {of_regions(len(facts.differing), n)} {verb}{saw}.", more]


def _failed(facts: WhyFacts, now: datetime) -> list[str]:
    said = _said(facts)
    if not said:
        word = "Down" if facts.state is ShownState.DOWN else "Degraded"
        said = [f"{word} for {length(now - facts.since)}." if facts.since else f"{word}."]
    return said if facts.variant is not Variant.FLAPPING else [*_flapping(facts)[:1], *said]


def _said(facts: WhyFacts) -> list[str]:
    """What its stored votes say, or the last step without any; nothing where neither is there."""
    said = verdict_sentences(facts.verdict) if facts.verdict else [facts.text]
    return said if said[0].strip() else []


def _unknown(facts: WhyFacts, now: datetime) -> list[str]:
    n, can = facts.regions, facts.can_vote
    verified = f"Last verified {facts.was} at {minute(facts.verified_at, now)}." if facts.verified_at else ""
    if not n:
        return ["No region checks it.", verified]
    if can is None or can >= fewest_votes(n):
        return [f"Too few of {n} regions can vote, {fewest_votes(n)} are needed.", verified]
    how_many = f"Only {can}" if can else "None"
    return [f"{how_many} of {n} regions can vote, {fewest_votes(n)} are needed.", verified]


def _flapping(facts: WhyFacts) -> list[str]:
    times = f"Went up and down {facts.flips} times in an hour." if facts.flips else "Goes up and down."
    return [times, "Stays open until 30 min pass without a change."]


def _paused(facts: WhyFacts, now: datetime) -> list[str]:
    by = f" by {facts.paused_by[:40]}" if facts.paused_by else (" by Vigil" if facts.paused_why else "")
    at = f" on {day(facts.since)}" if facts.since else ""
    why = f": {facts.paused_why.removesuffix('.')}" if facts.paused_why else ""
    return [f"Paused{by}{at}{why}.", "Nothing is checked."]


def _maintenance(facts: WhyFacts, now: datetime) -> list[str]:
    until = f" until {minute(facts.until, now)} UTC" if facts.until else ""
    return [f"Maintenance{until}.", "Nothing is checked." if facts.unchecked else "No alerts are sent."]


def _new(facts: WhyFacts, now: datetime) -> list[str]:
    if not facts.regions:
        return ["No region checks it yet."]
    if facts.can_vote == 0:
        return ["No region is connected yet: nothing is checked."]
    waits = f", in about {facts.first_look_s} s" if facts.first_look_s else ""
    return [f"Waiting for the first look{waits}."]


def _job(facts: WhyFacts, job: JobFacts, now: datetime) -> list[str]:
    last = f"Last call {minute(job.last_at, now)}" if job.last_at else ""
    took = f", took {length(job.took)}" if job.took is not None and last else ""
    called = f"{last}{took}." if last else ""
    text = facts.text.strip()
    if job.status == "new":
        return ["Waiting for the first call.", f"It should come {job.schedule}." if job.schedule else ""]
    if job.status in ("late", "down") and text and facts.state is ShownState.DOWN and not job.expected_at:
        return [text, called]
    if job.status in ("late", "down") and job.expected_at:
        return [f"Should have called at {minute(job.expected_at, now)} ({job.schedule}).", called]
    if facts.state in (ShownState.DOWN, ShownState.DEGRADED):
        return [text or "The job reported a failure.", called]
    running = "Runs now." if job.status == "running" else ""
    due = f"Next call by {minute(job.due_at, now)} ({job.schedule})." if job.due_at else ""
    return [running, called, due or ("" if called else "Waiting for the next call.")]


_BY_STATE: Mapping[ShownState, Callable[[WhyFacts, datetime], list[str]]] = {
    ShownState.UP: _up,
    ShownState.DEGRADED: _failed,
    ShownState.DOWN: _failed,
    ShownState.UNKNOWN: _unknown,
    ShownState.NEW: _new,
    ShownState.PAUSED: _paused,
    ShownState.MAINTENANCE: _maintenance,
}
