"""A status page as HTML: whole without a script, light and dark by the style sheet of all pages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from html import escape
from itertools import groupby

from vigil.read_models.core.drawn_strips import quarter_strip
from vigil.read_models.core.figures import percent
from vigil.read_models.core.strips import DAYS, runs
from vigil.status.core.facts import ComponentFacts, PageFacts, PageFrame, PublicIncidentFacts
from vigil.status.core.figures import UPTIME_RULE, day_states, uptime_of
from vigil.status.core.states import WORDS, PublicState

#: The place of the line that says that newer facts may be missing; `stale` fills it.
HEARD = '<p id="heard" role="status" hidden></p>'
#: Days of past incidents.
PAST = timedelta(days=14)
_KEYS = (
    PublicState.OPERATIONAL, PublicState.DEGRADED, PublicState.MAJOR_OUTAGE, PublicState.MAINTENANCE,
    PublicState.NOT_MEASURED,
)  # fmt: skip
_SAYS = {
    PublicState.OPERATIONAL: "All services work",
    PublicState.MAINTENANCE: "Maintenance is under way",
    PublicState.DEGRADED: "Some services are slow",
    PublicState.PARTIAL_OUTAGE: "Some services are down",
    PublicState.MAJOR_OUTAGE: "Some services are down",
    PublicState.NOT_MEASURED: "Nothing is measured yet",
}


def page_html(facts: PageFacts, frame: PageFrame) -> str:
    """The whole page."""
    title = f"{says(facts)} · {facts.title}"
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{escape(title)}</title>\n",
            f'<link rel="icon" href="{escape(frame.icon)}" type="image/svg+xml">\n',
            f'<link rel="stylesheet" href="{escape(frame.style)}">\n',
            f'<link rel="alternate" type="application/atom+xml" title="Incidents" href="{frame.address}/history.atom">',
            f'\n<link rel="alternate" type="text/markdown" href="{frame.address}/index.md">',
            '\n</head>\n<body>\n<a class="skip btn" href="#main">Skip to content</a>\n',
            '<main class="public" id="main" tabindex="-1">\n',
            f'<header class="row"><p class="brand"><bdi>{escape(facts.title)}</bdi></p></header>\n',
            *_banner(facts, frame),
            HEARD,
            *_paragraphs(facts.header, ' class="prose"'),
            *(_incident(one, facts, frame) for one in facts.open_incidents),
            *_components(facts, frame),
            *_past(facts, frame),
            *_foot(facts, frame),
            "</main>\n</body>\n</html>\n",
        ]
    )


def stale(page: bytes, heard_at: datetime) -> bytes:
    """The page with the line that says since when its source has not been heard."""
    return page.replace(HEARD.encode(), f'<p id="heard" role="status"><b>{says_stale(heard_at)}</b></p>'.encode(), 1)


def dated(page: bytes, at: datetime) -> bytes:
    """The page with the line that says of when it is, for a copy of it; one that is stale says that already."""
    return page.replace(HEARD.encode(), f'<p id="heard" class="muted small">As of {moment(at)} UTC.</p>'.encode(), 1)


def says_stale(heard_at: datetime) -> str:
    """The sentence of a page whose source is silent."""
    return f"Last updated {moment(heard_at)} UTC. Newer facts may be missing."


def says(facts: PageFacts) -> str:
    """The banner's sentence; it names the component where only one is in trouble."""
    if not facts.components:
        return "No incident is open" if not facts.open_incidents else "An incident is open"
    state = facts.state
    hit = [one for one in facts.components if facts.state_of(one) is state]
    if len(hit) == 1 and len(facts.components) > 1 and state in _ONE:
        return f"{hit[0].name} {_ONE[state]}"
    if state is PublicState.MAJOR_OUTAGE and len(hit) == len(facts.components):
        return "All services are down"
    unmeasured = any(facts.state_of(one) is PublicState.NOT_MEASURED for one in facts.components)
    return "All services that are measured work" if state is PublicState.OPERATIONAL and unmeasured else _SAYS[state]


_ONE = {
    PublicState.DEGRADED: "is slow",
    PublicState.PARTIAL_OUTAGE: "is partly down",
    PublicState.MAJOR_OUTAGE: "is down",
    PublicState.MAINTENANCE: "is in maintenance",
}


def _banner(facts: PageFacts, frame: PageFrame) -> Iterator[str]:
    state = facts.state
    hit = sum(facts.state_of(one) in _TROUBLE for one in facts.components)
    number = f"{hit} of {len(facts.components)} services {'is' if hit == 1 else 'are'} affected. " if hit else ""
    yield f'<div class="says {WORDS[state][1]}">{_icon(frame, WORDS[state][1], 32)}<div>'
    yield f'<h1><bdi>{escape(says(facts))}</bdi></h1><p class="gap">{number}'
    yield f"Changed {_time(facts.changed_at)} UTC.</p></div></div>\n"


_TROUBLE = (PublicState.DEGRADED, PublicState.PARTIAL_OUTAGE, PublicState.MAJOR_OUTAGE)


def _incident(one: PublicIncidentFacts, facts: PageFacts, frame: PageFrame) -> str:
    names = ", ".join(each.name for each in facts.components if each.id in one.components)
    about = f'<p class="muted small">Affects <bdi>{escape(names)}</bdi>.</p>' if names else ""
    steps = "".join(
        f"<li{' class=now' if place == 0 else ''}>{_icon(frame, 'ring', 16)}<p><b>{update.state.value.capitalize()}</b>"
        f' <span class="muted small">{_time(update.at)} UTC</span></p>{"".join(_paragraphs(update.text))}</li>'
        for place, update in enumerate(reversed(one.updates))
    )
    return (
        f'<section class="card panel" id="{one.id}" aria-labelledby="t-{one.id}"><h2 id="t-{one.id}">'
        f'<bdi>{escape(one.title)}</bdi></h2>{about}<ol class="timeline gap">{steps}</ol></section>\n'
    )


def _components(facts: PageFacts, frame: PageFrame) -> Iterator[str]:
    for group, members in groupby(facts.components, key=lambda one: one.group):
        label = escape(group or "Services")
        heading = f'<h2 class="label"><bdi>{label}</bdi></h2>' if group else ""
        level = 3 if group else 2
        rows = "".join(_component(one, facts, frame, level) for one in members)
        yield f'<section class="card" aria-label="{label}">{heading}<ul>{rows}</ul></section>\n'
    if facts.components:
        marks = "".join(f"<span>{state_mark(frame, state)}</span>" for state in _KEYS)
        yield f'<p class="keys">{marks}</p>\n'


def _component(one: ComponentFacts, facts: PageFacts, frame: PageFrame, level: int) -> str:
    ratio = uptime_of(one.spans, facts.now).ratio
    up = "not measured" if ratio is None else f"{percent(ratio)} up"
    drawn = quarter_strip(runs(day_states(one, facts.now)))
    paths = "".join(f'<path class="{path.letter}" d="{path.data}"/>' for path in drawn.paths)
    begins = facts.now - timedelta(days=DAYS - 1)
    said = f'<p class="muted small"><bdi>{escape(one.description)}</bdi></p>' if one.description else ""
    return (
        f'<li class="comp"><div class="row"><h{level} class="h"><bdi>{escape(one.name)}</bdi></h{level}>'
        f"{state_mark(frame, facts.state_of(one))}</div>{said}"
        f'<svg class="strip days" role="img" aria-label="{escape(one.name)}, last 90 days: {up}" '
        f'viewBox="0 0 {drawn.width} 16" preserveAspectRatio="none">{paths}</svg>'
        f'<p class="ends"><span>{begins.day} {begins:%b}</span><span>{up}</span><span>Today</span></p></li>\n'
    )


def _past(facts: PageFacts, frame: PageFrame) -> Iterator[str]:
    past = [one for one in facts.incidents if not one.is_open]
    yield "".join(_incident(one, facts, frame) for one in past)
    if not past:
        yield '<p class="muted small">No incident ended in the last 14 days.</p>\n'


def _foot(facts: PageFacts, frame: PageFrame) -> Iterator[str]:
    yield from _paragraphs(facts.footer, ' class="prose"')
    whole = uptime_of([spans for one in facts.components for spans in one.spans], facts.now).ratio
    total = "" if whole is None else f"All services together: {percent(whole)} up. "
    yield f'<footer class="muted small"><p>{total}{UPTIME_RULE} Times in UTC.</p>'
    yield f'<p class="gap"><a href="{frame.address}/api/v2/summary.json">JSON</a> · '
    yield f'<a href="{frame.address}/index.md">Markdown</a> · <a href="{frame.address}/history.atom">Atom</a></p>'
    yield "</footer>\n"


def state_mark(frame: PageFrame, state: PublicState, words: str = "") -> str:
    """The mark of a state: its shape, and its word or other words for it."""
    word, shape = WORDS[state]
    word = escape(words or word)
    return f'<span class="mark {shape}">{_icon(frame, shape, 14)}<span class="word">{word}</span></span>'


def _icon(frame: PageFrame, name: str, size: int) -> str:
    return f'<svg width="{size}" height="{size}" aria-hidden="true"><use href="{escape(frame.sprite)}#{name}"/></svg>'


def _paragraphs(text: str, attributes: str = "") -> Iterable[str]:
    """Text of people: a paragraph for each that it has, nothing active."""
    parts = [part.strip() for part in text.replace("\r\n", "\n").split("\n\n") if part.strip()]
    return [f"<p{attributes}><bdi>{escape(part).replace(chr(10), '<br>')}</bdi></p>" for part in parts]


def _time(at: datetime) -> str:
    return f'<time datetime="{at.isoformat(timespec="seconds")}" dir="ltr">{moment(at)}</time>'


def moment(at: datetime) -> str:
    """A time to the minute, in UTC."""
    return f"{at.day} {at:%b %Y %H:%M}"
