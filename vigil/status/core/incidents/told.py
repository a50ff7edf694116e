"""What was said of a public incident, for feeds and texts: every form of a page tells the same. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape

from vigil.status.core.facts import PageFacts, PublicIncidentFacts
from vigil.status.core.languages.words import PageWords
from vigil.status.core.prose import public_markdown


def as_told(facts: PageFacts) -> list[PublicIncidentFacts]:
    """Incidents as feeds have them, what was told last first: planned work stands at its announcement."""
    return sorted(facts.incidents, key=lambda one: (one.announced_at, one.id), reverse=True)


Moment = Callable[[datetime], str]


@dataclass(frozen=True, slots=True)
class SaidText:
    """An update or the postmortem: its id, its state in words, its text, and its times."""

    id: str
    state: str
    text: str
    at: datetime
    edited_at: datetime | None = None


def said_texts(one: PublicIncidentFacts, words: PageWords) -> list[SaidText]:
    """The postmortem, then the updates, the newest first."""
    said = [
        SaidText(each.id, words.updates[each.state], each.text, each.at, each.edited_at)
        for each in reversed(one.updates)
    ]
    if one.postmortem_at is not None:
        said.insert(0, SaidText(postmortem_id(one), words.postmortem, one.postmortem, one.postmortem_at))
    return said


def said_lines(one: PublicIncidentFacts, words: PageWords, moment: Moment) -> list[str]:
    """All that was said, a line each, below the window of planned maintenance."""
    return [
        *window_lines(one, words, moment),
        *(f"{moment(each.at)} {each.state}: {each.text}" for each in said_texts(one, words)),
    ]


def said_html(one: PublicIncidentFacts, words: PageWords, moment: Moment) -> str:
    """The same as HTML, for feeds whose readers show it: the time and the state of each, as Statuspage has them."""
    said = (
        f"<p><small>{moment(each.at)}</small><br><strong>{escape(each.state)}</strong></p>\n{public_markdown(each.text)}"
        for each in said_texts(one, words)
    )
    return f"{window_html(one, words, moment)}{''.join(said)}"


def window_html(one: PublicIncidentFacts, words: PageWords, moment: Moment) -> str:
    """When planned maintenance is, as HTML."""
    return "".join(f"<p>{escape(line)}</p>\n" for line in window_lines(one, words, moment))


def window_lines(one: PublicIncidentFacts, words: PageWords, moment: Moment) -> list[str]:
    """When planned maintenance is; none of an incident."""
    if one.planned is None:
        return []
    start, end = map(moment, one.planned)
    return [words.planned_from_to.format(start=start, end=end)]


def postmortem_id(one: PublicIncidentFacts) -> str:
    """The id that the postmortem has where it stands among updates."""
    return f"{one.id}-postmortem"
