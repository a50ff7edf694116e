"""Files of a page's look: its style sheet, and its pictures under fixed names. Pure."""

from __future__ import annotations

from html import escape

from vigil.status.core.facts import PageFacts, PageFrame
from vigil.status.core.look.colours import style_of
from vigil.status.core.look.pictures import PICTURE_TYPES, PictureRole

STYLE_FILE = "look.css"


def look_files(facts: PageFacts) -> dict[str, bytes]:
    """The files that the page has, by their paths."""
    files = {STYLE_FILE: style_of(facts.accent).encode()} if facts.accent else {}
    return files | {f"{role.value}.{one.ending}": one.content for role, one in facts.pictures.items()}


def look_links(facts: PageFacts, frame: PageFrame) -> str:
    """What the head of each page says of its look, after the style sheet of all pages."""
    icon = facts.pictures.get(PictureRole.FAVICON)
    address, kind = frame.icon, "image/svg+xml"
    if icon is not None:
        address, kind = f"{_below(frame)}/{PictureRole.FAVICON.value}.{icon.ending}", PICTURE_TYPES[icon.ending]
    links = f'<link rel="icon" href="{escape(address)}" type="{kind}">\n'
    if facts.accent:
        links += f'<link rel="stylesheet" href="{_below(frame)}/{STYLE_FILE}">\n'
    return links


def brand(facts: PageFacts, frame: PageFrame) -> str:
    """Logo and title; beside its title a logo needs no words."""
    logo, shown = facts.pictures.get(PictureRole.LOGO), ""
    if logo is not None:
        source = f"{_below(frame)}/{PictureRole.LOGO.value}.{logo.ending}"
        shown = f'<img class="logo" src="{source}" alt="" width="{logo.width}" height="{logo.height}">'
    return f'<p class="brand"><a href="{frame.at()}">{shown}<bdi>{escape(facts.title)}</bdi></a></p>'


def _below(frame: PageFrame) -> str:
    """What stands before its files: of the host that it is read at, since no other one's are shown there."""
    return frame.look or frame.address
