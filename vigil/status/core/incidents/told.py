"""What was said of a public incident, for feeds and texts: every form of a page tells the same. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from vigil.status.core.facts import PublicIncidentFacts
from vigil.status.core.languages.words import PageWords

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


def window_lines(one: PublicIncidentFacts, words: PageWords, moment: Moment) -> list[str]:
    """When planned maintenance is; none of an incident."""
    if one.planned is None:
        return []
    start, end = map(moment, one.planned)
    return [words.planned_from_to.format(start=start, end=end)]


def postmortem_id(one: PublicIncidentFacts) -> str:
    """The id that the postmortem has where it stands among updates."""
    return f"{one.id}-postmortem"
