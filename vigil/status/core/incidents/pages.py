"""Pages of public incidents: each has an address of its own, which stays while it is of interest. Pure."""

from __future__ import annotations

from html import escape

from vigil.status.core.facts import PageFacts, PageFrame, PublicIncidentFacts
from vigil.status.core.incidents.cards import incident_card, incident_path


def incident_pages(facts: PageFacts, frame: PageFrame) -> dict[str, bytes]:
    """The pages by their paths: of incidents that the page shows, and of older ones."""
    every = [*facts.incidents, *facts.earlier]
    return {incident_path(one.id): _page(one, facts, frame).encode() for one in every}


def _page(one: PublicIncidentFacts, facts: PageFacts, frame: PageFrame) -> str:
    words = facts.words
    return (
        f'<!doctype html>\n<html lang="{words.tag}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(f'{one.title} · {facts.title}')}</title>\n"
        f'<link rel="icon" href="{escape(frame.icon)}" type="image/svg+xml">\n'
        f'<link rel="stylesheet" href="{escape(frame.style)}">\n'
        f'<link rel="canonical" href="{frame.address}/{incident_path(one.id)}">\n</head>\n<body>\n'
        f'<a class="skip btn" href="#main">{escape(words.skip)}</a>\n<main class="public" id="main" tabindex="-1">\n'
        f'<header class="row"><p class="brand"><a href="{frame.address}"><bdi>{escape(facts.title)}</bdi></a></p>'
        f"</header>\n{incident_card(one, facts, frame, is_whole=True)}"
        f'<footer class="muted small"><p>{words.times_in_utc}</p></footer>\n</main>\n</body>\n</html>\n'
    )
