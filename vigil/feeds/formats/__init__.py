"""Feed formats: detection and parsing of status pages.

A format is one file and one line here. Pages change engines without notice, so the content decides, not the
configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from vigil.feeds.core.page import FeedUnreadable, Page
from vigil.feeds.formats import aws, betterstack, checkly, google, instatus, rss, statuspage

#: name -> (detects a JSON document, parses it). More specific formats come first.
JSON_FORMATS: dict[str, tuple[Callable[[Any], bool], Callable[[Any], Page]]] = {
    "betterstack": (betterstack.recognise, betterstack.read),
    "statuspage": (statuspage.recognise, statuspage.read),
    "instatus": (instatus.recognise, instatus.read),
    "google": (google.recognise, google.read),
    "aws": (aws.recognise, aws.read),
    "checkly": (checkly.recognise, checkly.read),
}

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


def parse(body: bytes, now: datetime) -> tuple[str, Page]:
    """Name of the format, and the page; raises FeedUnreadable."""
    text = _decoded(body)
    start = text[:200].lstrip()
    if start.startswith("<"):
        return "rss", rss.read(text, now)
    try:
        document = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise FeedUnreadable("neither JSON nor XML") from None
    for name, (recognise, read) in JSON_FORMATS.items():
        if recognise(document):
            try:
                return name, read(document)
            except (msgspec.ValidationError, RecursionError):
                raise FeedUnreadable(f"looks like {name} but is not valid") from None
    raise FeedUnreadable("JSON that is not a status page")


def _decoded(body: bytes) -> str:
    encoding = next((name for bom, name in _BOMS if body.startswith(bom)), "utf-8")
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        raise FeedUnreadable(f"not {encoding} text") from None
