"""Badges of a status page and of each of its components: SVG, and the endpoint schema of shields.io. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from vigil.heartbeats.showing.drawn_badges import (
    BAD,
    GOOD,
    PLANNED,
    SILENT,
    SLOW,
    DrawnBadge,
    badge_object,
    badge_svg,
)
from vigil.status.core.facts import PageFacts
from vigil.status.core.sentences import says
from vigil.status.core.states import PublicState

COLOURS: Mapping[PublicState, str] = {
    PublicState.NOT_MEASURED: SILENT,
    PublicState.OPERATIONAL: GOOD,
    PublicState.MAINTENANCE: PLANNED,
    PublicState.DEGRADED: SLOW,
    PublicState.PARTIAL_OUTAGE: BAD,
    PublicState.MAJOR_OUTAGE: BAD,
}


def badge_files(facts: PageFacts, is_heard: bool = True) -> dict[str, bytes]:
    """The files by their paths: `badge.svg` and `badge.json` of the page, and two of each component by its id.

    Where the source has not been heard, old news look like no news, never like good ones.
    """
    files = {}
    for name, badge in _badges(facts):
        drawn = badge if is_heard else DrawnBadge(badge.label, facts.words.no_news, SILENT)
        files[f"{name}.svg"] = badge_svg(drawn).encode()
        files[f"{name}.json"] = json.dumps(badge_object(drawn), ensure_ascii=False).encode()
    return files


def component_badge(component_id: str) -> str:
    """Path of the badge of a component, without its ending."""
    return f"badges/{component_id}"


def _badges(facts: PageFacts) -> Iterator[tuple[str, DrawnBadge]]:
    yield "badge", DrawnBadge(facts.title, says(facts), COLOURS[facts.state], COLOURS[facts.state] == BAD)
    for one in facts.components:
        state = facts.state_of(one)
        drawn = DrawnBadge(one.name, facts.words.states[state], COLOURS[state], COLOURS[state] == BAD)
        yield component_badge(one.id), drawn
