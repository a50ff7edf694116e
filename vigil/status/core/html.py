"""A status page as HTML: whole without a script, light and dark by the style sheet of all pages. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from html import escape
from itertools import groupby

from vigil.read_models.core.strips import DAYS
from vigil.status.core.facts import ComponentFacts, PageFacts, PageFrame, PublicIncidentFacts
from vigil.status.core.figures import uptime_of
from vigil.status.core.history.latency import latency_chart
from vigil.status.core.history.strips import YEAR_FILE, DayStrip, strip_figure
from vigil.status.core.history.year import component_days, incidents_by_day, touching
from vigil.status.core.incidents.cards import icon, incident_card, moment_of, planned_cards
from vigil.status.core.incidents.provider import provider_lines
from vigil.status.core.languages import words_of
from vigil.status.core.languages.words import PageWords
from vigil.status.core.layout.page import document, prose
from vigil.status.core.sentences import says, says_stale
from vigil.status.core.states import SHAPES, PublicState

#: The place of the line that says that newer facts may be missing; `stale` fills it.
HEARD = '<p id="heard" role="status" hidden></p>'
#: Days of past incidents.
PAST = timedelta(days=14)
_KEYS = (
    PublicState.OPERATIONAL, PublicState.DEGRADED, PublicState.MAJOR_OUTAGE, PublicState.MAINTENANCE,
    PublicState.NOT_MEASURED,
)  # fmt: skip


def page_html(facts: PageFacts, frame: PageFrame) -> str:
    """The whole page."""
    links = (
        f'<link rel="alternate" type="application/atom+xml" title="{escape(facts.words.incidents)}" '
        f'href="{frame.address}/history.atom">\n<link rel="canonical" href="{frame.at()}">\n'
        f'<link rel="alternate" type="application/rss+xml" href="{frame.address}/history.rss">\n'
        f'<link rel="alternate" type="application/feed+json" href="{frame.address}/feed.json">\n'
        f'<link rel="alternate" type="text/markdown" href="{frame.address}/index.md">\n'
    )
    body = [
        *_banner(facts, frame),
        HEARD,
        prose(facts.header),
        *(incident_card(one, facts, frame) for one in facts.open_incidents),
        *(incident_card(one, facts, frame) for one in facts.open_maintenances if one.is_under_way),
        *_components(facts, frame),
        *planned_cards(facts, frame),
        *_past(facts, frame),
        *_foot(facts, frame),
    ]
    return document(facts, frame, says(facts), "".join(body), links)


def stale(page: bytes, heard_at: datetime, words: PageWords) -> bytes:
    """The page with the line that says since when its source has not been heard."""
    line = f'<p id="heard" role="status"><b>{says_stale(heard_at, words)}</b></p>'
    return page.replace(HEARD.encode(), line.encode(), 1)


def dated(page: bytes, at: datetime, words: PageWords) -> bytes:
    """The page with the line that says of when it is, for a copy of it; one that is stale says that already."""
    line = f'<p id="heard" class="muted small">{words.as_of.format(time=words.moment(at))}</p>'
    return page.replace(HEARD.encode(), line.encode(), 1)


def _banner(facts: PageFacts, frame: PageFrame) -> Iterator[str]:
    state = facts.state
    hit = sum(facts.state_of(one) in _TROUBLE for one in facts.components)
    words, number = facts.words, ""
    if hit:
        form = words.one_affected if hit == 1 else words.many_affected
        number = f"{form.format(hit=hit, count=len(facts.components))} "
    yield f'<div class="says {SHAPES[state]}">{icon(frame, SHAPES[state], 32)}<div>'
    yield f'<h1><bdi>{escape(says(facts))}</bdi></h1><p class="gap">{number}'
    yield f"{words.changed.format(time=moment_of(facts.changed_at, words))}</p></div></div>\n"


IncidentsByDay = Mapping[date, Sequence[PublicIncidentFacts]]
_TROUBLE = (PublicState.DEGRADED, PublicState.PARTIAL_OUTAGE, PublicState.MAJOR_OUTAGE)


def _components(facts: PageFacts, frame: PageFrame) -> Iterator[str]:
    told = incidents_by_day([*facts.incidents, *facts.earlier], facts.now, DAYS)
    for group, members in groupby(facts.components, key=lambda one: one.group):
        label = escape(group or facts.words.services)
        heading = f'<h2 class="label"><bdi>{label}</bdi></h2>' if group else ""
        level = 3 if group else 2
        rows = "".join(_component(one, facts, frame, level, told) for one in members)
        yield f'<section class="card" aria-label="{label}">{heading}<ul>{rows}</ul></section>\n'
    if facts.components:
        marks = "".join(f"<span>{state_mark(frame, state, facts.words.states[state])}</span>" for state in _KEYS)
        yield f'<p class="keys">{marks}</p>\n'
        yield f'<p class="small"><a href="{frame.at(YEAR_FILE)}">{facts.words.last_365_days}</a></p>\n'


def _component(one: ComponentFacts, facts: PageFacts, frame: PageFrame, level: int, told: IncidentsByDay) -> str:
    words = facts.words
    ratio = uptime_of(one.spans, facts.now).ratio
    up = words.not_measured if ratio is None else words.up.format(percent=words.percent(ratio))
    state, days = facts.state_of(one), component_days(one.spans, facts.now, DAYS)
    dates = [facts.now.date() - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    hit = [touching(told.get(day, ()), one.id) for day in dates]
    label = words.last_90_days.format(name=one.name, up=up)
    strip = DayStrip(label, up, days, hit, facts.now.date(), frame)
    said = f'<p class="muted small"><bdi>{escape(one.description)}</bdi></p>' if one.description else ""
    return (
        f'<li class="comp"><div class="row"><h{level} class="h"><bdi>{escape(one.name)}</bdi></h{level}>'
        f"{state_mark(frame, state, words.states[state])}</div>{said}"
        f"{provider_lines(one.provider, words) if state in _TROUBLE else ''}{strip_figure(strip, words)}"
        f"{latency_chart(facts.latency.get(one.id, ()), words)}</li>\n"
    )


def _past(facts: PageFacts, frame: PageFrame) -> Iterator[str]:
    past = [one for one in facts.incidents if not one.is_open]
    yield "".join(incident_card(one, facts, frame) for one in past)
    if not past:
        yield f'<p class="muted small">{facts.words.nothing_ended}</p>\n'


def _foot(facts: PageFacts, frame: PageFrame) -> Iterator[str]:
    words = facts.words
    yield prose(facts.footer)
    whole = uptime_of([spans for one in facts.components for spans in one.spans], facts.now).ratio
    total = "" if whole is None else f"{words.all_together.format(percent=words.percent(whole))} "
    yield f'<footer class="muted small"><p>{total}{words.uptime_rule} {words.times_in_utc}</p>'
    yield f'<p class="gap"><a href="{frame.address}/api/v2/summary.json">JSON</a> · '
    yield f'<a href="{frame.at("index.md")}">Markdown</a> · <a href="{frame.address}/history.atom">Atom</a></p>'
    yield from _languages(facts, frame)
    yield "</footer>\n"


def _languages(facts: PageFacts, frame: PageFrame) -> Iterator[str]:
    """Links to the page in the other languages, each in its own words."""
    links = [
        f'<a href="{replace(frame, chosen=tag).at()}" hreflang="{tag}" lang="{tag}">{escape(words_of(tag).name)}</a>'
        for tag in frame.languages
        if tag != facts.language
    ]
    if links:
        yield f'<p class="gap">{" · ".join(links)}</p>'


def state_mark(frame: PageFrame, state: PublicState, said: str) -> str:
    """The mark of a state: its shape, and its word or other words for it."""
    shape = SHAPES[state]
    return f'<span class="mark {shape}">{icon(frame, shape, 14)}<span class="word">{escape(said)}</span></span>'
