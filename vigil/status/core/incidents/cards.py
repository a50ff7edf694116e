"""Card of a public incident: what it affects, when it is planned, what was said, and what was learnt. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape

from vigil.status.core.facts import PageFacts, PageFrame, PublicIncidentFacts, UpdateFacts
from vigil.status.core.languages.words import PageWords
from vigil.status.core.layout.page import prose


def incident_path(public_id: str) -> str:
    """Path of the page of its own, below the page."""
    return f"incidents/{public_id}"


def incident_card(one: PublicIncidentFacts, facts: PageFacts, frame: PageFrame, *, is_whole: bool = False) -> str:
    """The card on the page, whose title leads to its own; there it is whole, with the postmortem."""
    title = f"<bdi>{escape(one.title)}</bdi>"
    if not is_whole:
        title = f'<a href="{frame.at(incident_path(one.id))}">{title}</a>'
    level = 1 if is_whole else 2
    return (
        f'<section class="card panel" id="{one.id}" aria-labelledby="t-{one.id}">'
        f'<h{level} id="t-{one.id}">{title}</h{level}>{"".join(_about(one, facts))}'
        f"{_postmortem(one, facts.words) if is_whole else _link(one, facts, frame)}"
        f'<ol class="timeline gap">{"".join(_steps(one.updates, facts.words, frame))}</ol></section>\n'
    )


def planned_cards(facts: PageFacts, frame: PageFrame) -> Iterator[str]:
    """Planned maintenance to come, below its heading."""
    upcoming = [one for one in facts.open_maintenances if not one.is_under_way]
    if upcoming:
        yield f'<h2 class="label" id="planned">{escape(facts.words.planned_maintenance)}</h2>\n'
    for one in upcoming:
        yield incident_card(one, facts, frame)


def icon(frame: PageFrame, name: str, size: int) -> str:
    """A picture of the sprite."""
    return f'<svg width="{size}" height="{size}" aria-hidden="true"><use href="{escape(frame.sprite)}#{name}"/></svg>'


def moment_of(at: datetime, words: PageWords) -> str:
    """A time as the page writes it and programs read it."""
    return f'<time datetime="{at.isoformat(timespec="seconds")}" dir="ltr">{words.moment(at)}</time>'


def _about(one: PublicIncidentFacts, facts: PageFacts) -> Iterator[str]:
    words = facts.words
    if one.planned is not None:
        start, end = (f"{moment_of(at, words)} UTC" for at in one.planned)
        yield f'<p class="muted small">{words.planned_from_to.format(start=start, end=end)}</p>'
    names = ", ".join(each.name for each in facts.components if each.id in one.components)
    if names:
        yield f'<p class="muted small">{words.affects.format(names=f"<bdi>{escape(names)}</bdi>")}</p>'


def _link(one: PublicIncidentFacts, facts: PageFacts, frame: PageFrame) -> str:
    """Where the postmortem is read."""
    if one.postmortem_at is None:
        return ""
    address = f"{frame.at(incident_path(one.id))}#postmortem"
    return f'<p><a href="{address}">{escape(facts.words.postmortem)}</a></p>'


def _postmortem(one: PublicIncidentFacts, words: PageWords) -> str:
    if one.postmortem_at is None:
        return ""
    return (
        f'<h2 id="postmortem">{escape(words.postmortem)}</h2>'
        f'<p class="muted small">{moment_of(one.postmortem_at, words)} UTC</p>{prose(one.postmortem)}'
    )


def _steps(updates: Sequence[UpdateFacts], words: PageWords, frame: PageFrame) -> Iterator[str]:
    for place, one in enumerate(reversed(updates)):
        edited = f" · {words.edited.format(time=moment_of(one.edited_at, words))}" if one.edited_at else ""
        yield (
            f"<li{' class=now' if place == 0 else ''}>{icon(frame, 'ring', 16)}<p><b>{words.updates[one.state]}</b>"
            f' <span class="muted small">{moment_of(one.at, words)} UTC{edited}</span></p>{prose(one.text)}</li>'
        )
