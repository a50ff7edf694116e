"""Pages of public incidents: each has an address of its own, which stays while it is of interest. Pure."""

from __future__ import annotations

from vigil.status.core.facts import PageFacts, PageFrame, PublicIncidentFacts
from vigil.status.core.incidents.cards import incident_card, incident_path
from vigil.status.core.layout.page import document


def incident_pages(facts: PageFacts, frame: PageFrame) -> dict[str, bytes]:
    """The pages by their paths: of incidents that the page shows, and of older ones."""
    every = [*facts.incidents, *facts.earlier]
    return {incident_path(one.id): _page(one, facts, frame).encode() for one in every}


def _page(one: PublicIncidentFacts, facts: PageFacts, frame: PageFrame) -> str:
    body = (
        f"{incident_card(one, facts, frame, is_whole=True)}"
        f'<footer class="muted small"><p>{facts.words.times_in_utc}</p></footer>\n'
    )
    canonical = f'<link rel="canonical" href="{frame.at(incident_path(one.id))}">\n'
    return document(facts, frame, one.title, body, canonical)
