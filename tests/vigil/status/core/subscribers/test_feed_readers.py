"""RSS and Atom as the most used reader of feeds reads them: without a complaint, and each with what was said."""

from __future__ import annotations

import feedparser
import pytest

from tests.vigil.status.facts import FRAME, incident, page
from vigil.status.core.document import project
from vigil.status.core.states import UpdateState


@pytest.mark.parametrize(("path", "version", "entries"), [("history.rss", "rss20", 2), ("history.atom", "atom10", 1)])
def test_a_feed_is_well_formed_and_says_what_the_page_says(path: str, version: str, entries: int) -> None:
    told = incident(UpdateState.INVESTIGATING, UpdateState.RESOLVED, title="Chat <API> & more ☂")
    found = feedparser.parse(project(page(incidents=[told]), FRAME).files[path].plain)
    assert (found.bozo, found.version, len(found.entries)) == (False, version, entries)
    first = found.entries[0]
    said = first.get("content", [{"value": first.get("summary", "")}])[0]["value"]
    assert first.title.endswith("Chat <API> & more ☂") and "Words of resolved." in said
    assert first.id and first.link == f"{FRAME.address}/incidents/pin_1" and found.feed.link == FRAME.address
    assert first.published_parsed.tm_year == 2026
