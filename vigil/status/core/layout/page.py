"""Layout of a reader's page: the document around what it says, and the texts of a team. Pure."""

from __future__ import annotations

from html import escape

from vigil.status.core.facts import PageFacts, PageFrame
from vigil.status.core.layout.look import brand, look_links
from vigil.status.core.prose import public_markdown


def document(facts: PageFacts, frame: PageFrame, title: str, body: str, links: str = "") -> str:
    """A whole page: its title, and what its main part says. `links` is more for its head."""
    script = f'<script src="{escape(frame.script)}" defer></script>\n' if frame.script else ""
    subscribe = ""
    if frame.subscribe:
        subscribe = f'<a class="btn" href="{escape(frame.subscribe)}{frame.query}">{escape(facts.words.subscribe)}</a>'
    return "".join(
        [
            f'<!doctype html>\n<html lang="{facts.words.tag}">\n<head>\n<meta charset="utf-8">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            f"<title>{escape(f'{title} · {facts.title}')}</title>\n",
            f'<link rel="stylesheet" href="{escape(frame.style)}">\n{look_links(facts, frame)}{links}{script}',
            f'</head>\n<body>\n<a class="skip btn" href="#main">{escape(facts.words.skip)}</a>\n',
            f'<main class="public" id="main" tabindex="-1" data-words="{escape(facts.words.of_strips)}">\n',
            f'<header class="row">{brand(facts, frame)}{subscribe}</header>\n{body}</main>\n</body>\n</html>\n',
        ]
    )


def prose(text: str) -> str:
    """Text of people, with nothing active in it."""
    return f'<div class="prose" dir="auto">{public_markdown(text)}</div>' if text.strip() else ""
