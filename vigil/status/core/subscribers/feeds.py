"""Feeds of a status page beside Atom: RSS 2.0, and JSON Feed 1.1 (jsonfeed.org). Pure."""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import format_datetime
from xml.sax.saxutils import escape

from vigil.status.core.facts import PageFacts, PageFrame, PublicIncidentFacts
from vigil.status.core.incidents.cards import incident_path
from vigil.status.core.incidents.told import Moment, SaidText, as_told, said_html, said_lines, said_texts, window_html
from vigil.status.core.prose import public_markdown

RSS_FILE, JSON_FILE = "history.rss", "feed.json"
#: Items of RSS, where each update is one, so that readers see it as new: the newest.
ITEMS_MOST = 100


def rss_feed(facts: PageFacts, frame: PageFrame) -> bytes:
    """Updates and postmortems, the newest first, each an item."""
    said = [(one, each) for one in facts.incidents for each in said_texts(one, facts.words)]
    said.sort(key=lambda each: (each[1].at, each[1].id), reverse=True)
    items = "".join(_item(one, each, facts, frame) for one, each in said[:ITEMS_MOST])
    words, address = facts.words, escape(frame.address)
    title = _text(words.incidents_of.format(title=facts.title))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">\n<channel>\n'
        f"<title>{title}</title>\n<link>{address}</link>\n<description>{title}</description>\n"
        f"<language>{words.tag}</language>\n<lastBuildDate>{format_datetime(facts.changed_at)}</lastBuildDate>\n"
        f'<atom:link rel="self" type="application/rss+xml" href="{address}/{RSS_FILE}"/>\n{items}</channel>\n</rss>\n'
    ).encode()


def json_feed(facts: PageFacts, frame: PageFrame) -> bytes:
    """Incidents, the newest first, each an item with all that was said."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": facts.words.incidents_of.format(title=facts.title),
        "home_page_url": frame.address,
        "feed_url": f"{frame.address}/{JSON_FILE}",
        "language": facts.words.tag,
        "authors": [{"name": facts.title, "url": frame.address}],
        "items": [_json_item(one, facts, frame) for one in as_told(facts)],
    }
    return json.dumps(feed, ensure_ascii=False, separators=(",", ":")).encode()


def _json_item(one: PublicIncidentFacts, facts: PageFacts, frame: PageFrame) -> dict[str, object]:
    return {
        "id": f"{frame.address}#{one.id}",
        "url": f"{frame.address}/{incident_path(one.id)}",
        "title": one.title,
        "content_html": said_html(one, facts.words, _moment(facts)) or escape(one.title),
        "content_text": "\n\n".join(said_lines(one, facts.words, _at)) or one.title,
        "date_published": _at(one.announced_at),
        "date_modified": _at(one.updated_at),
        "tags": [each.name for each in facts.components if each.id in one.components],
    }


def _item(one: PublicIncidentFacts, said: SaidText, facts: PageFacts, frame: PageFrame) -> str:
    title = f"{said.state}: {one.title}"
    text = f"{window_html(one, facts.words, _moment(facts))}{public_markdown(said.text)}"
    return (
        f"<item>\n<title>{_text(title)}</title>\n<link>{escape(frame.address)}/{incident_path(one.id)}</link>\n"
        f'<guid isPermaLink="false">{escape(frame.address)}#{said.id}</guid>\n'
        f"<pubDate>{format_datetime(said.at)}</pubDate>\n<description>{_text(text)}</description>\n</item>\n"
    )


def _text(text: str) -> str:
    """Text as XML 1.0 can hold it: it has no control characters but tab and line ends."""
    return escape("".join(one for one in text if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff")))


def _moment(facts: PageFacts) -> Moment:
    return lambda at: f"{facts.words.moment(at)} UTC"


def _at(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
