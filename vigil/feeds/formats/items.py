"""RSS and Atom items: streaming parser, bounded in depth and number, without a DTD."""

from __future__ import annotations

from xml.parsers import expat

from vigil.feeds.core.page import POSTS_MOST, FeedUnreadable

DEPTH_MOST = 32
FIELD_LIMIT = 2_000

Item = dict[str, str]


class _Refused(Exception):
    """Forbidden XML construct."""


class _Enough(Exception):
    """Enough items were read."""


class _Collector:
    def __init__(self) -> None:
        self.items: list[Item] = []
        self.is_feed = False
        self._path: list[str] = []
        self._item: Item | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rsplit(":", 1)[-1].lower()
        if not self._path:
            self.is_feed = local in ("rss", "feed", "rdf")
        self._path.append(local)
        if len(self._path) > DEPTH_MOST:
            raise _Refused("nested too deeply")
        if local in ("item", "entry"):
            self._item = {}
        elif local == "link" and self._item is not None and attributes.get("href"):
            self._item["link"] = attributes["href"][:FIELD_LIMIT]

    def end(self, name: str) -> None:
        local = self._path.pop()
        if local in ("item", "entry") and self._item is not None:
            self.items.append(self._item)
            self._item = None
            if len(self.items) >= POSTS_MOST:
                raise _Enough

    def text(self, data: str) -> None:
        if self._item is None or not self._path:
            return
        field = self._path[-1]
        so_far = self._item.get(field, "")
        if len(so_far) < FIELD_LIMIT:
            self._item[field] = (so_far + data)[:FIELD_LIMIT]


def items_of(text: str) -> list[Item]:
    """Items in the order of the feed, newest first; raises FeedUnreadable."""
    collector = _Collector()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = collector.start
    parser.EndElementHandler = collector.end
    parser.CharacterDataHandler = collector.text
    parser.StartDoctypeDeclHandler = _no_doctype
    try:
        # The declared encoding applied to the bytes, not to this text.
        parser.Parse(_without_declaration(text).encode("utf-8", "replace"), True)
    except _Enough:
        pass
    except _Refused as why:
        raise FeedUnreadable(f"XML that is {why}") from None
    except (expat.ExpatError, LookupError, ValueError):
        raise FeedUnreadable("XML that is not well formed") from None
    if not collector.is_feed:
        raise FeedUnreadable("neither RSS nor Atom")
    return collector.items


def _without_declaration(text: str) -> str:
    start = text.lstrip("\ufeff \t\r\n")
    if not start.startswith("<?xml"):
        return start
    return start.partition("?>")[2]


def _no_doctype(*_: object) -> None:
    # Entities allow expansion attacks and file reads.
    raise _Refused("declaring its own entities")
