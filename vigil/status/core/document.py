"""The document of a status page: every file that it is served as, made from facts alone. Pure."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import brotli  # type: ignore[import-untyped]
import msgspec

from vigil.status.core.access import PageAccess, PagePlace
from vigil.status.core.elsewhere import markdown
from vigil.status.core.elsewhere.badges import badge_files
from vigil.status.core.elsewhere.embeds import FRAME_FILE, SCRIPT_FILE, embed_document, embed_script
from vigil.status.core.facts import PageFacts, PageFrame
from vigil.status.core.feeds import atom_feed, json_documents
from vigil.status.core.history.pages import history_files
from vigil.status.core.history.year import PageYear
from vigil.status.core.html import page_html
from vigil.status.core.incidents.pages import incident_pages
from vigil.status.core.languages import DEFAULT
from vigil.status.core.layout.look import look_files
from vigil.status.core.look.pictures import PICTURE_TYPES
from vigil.status.core.subscribers.calendar import CALENDAR_FILE, maintenance_calendar
from vigil.status.core.subscribers.feeds import JSON_FILE, RSS_FILE, json_feed, rss_feed

HTML, JSON, ATOM = "text/html; charset=utf-8", "application/json; charset=utf-8", "application/atom+xml; charset=utf-8"
MARKDOWN, TEXT, SCRIPT = "text/markdown; charset=utf-8", "text/plain; charset=utf-8", "text/javascript; charset=utf-8"
JSON_FEED = "application/feed+json; charset=utf-8"
SVG, RSS, ICS = "image/svg+xml", "application/rss+xml; charset=utf-8", "text/calendar; charset=utf-8"
_TYPES = {
    "html": HTML,
    "json": JSON,
    "atom": ATOM,
    "md": MARKDOWN,
    "txt": TEXT,
    "js": SCRIPT,
    "svg": SVG,
    "css": "text/css; charset=utf-8",
    **PICTURE_TYPES,
    "rss": RSS,
    "ics": ICS,
}
#: Packed by their own form.
PACKED_TYPES = frozenset(PICTURE_TYPES.values())
#: Smaller files are sent as they are: compressed they save no packet (bytes).
_SMALL = 1_000
#: Of twelve: the next ones take a hundred times as long for a tenth less (measured on a page of 50 components).
_BROTLI = 5
#: Largest file (bytes); a page with more tells the newest update of each incident alone.
FILE_MOST = 4_000_000


class PublishedFile(msgspec.Struct, frozen=True):
    """One file: its bytes, plain and compressed (empty for a small one), and the tag of its content."""

    content_type: str
    plain: bytes
    gzipped: bytes
    etag: str
    brotlied: bytes = b""


class PublishedPage(msgspec.Struct, frozen=True):
    """A page as it is served; files are by path, the page by ''.

    `unheard` has what takes the place of files that hold a state and no sentence, while the source is silent.
    """

    id: str
    slug: str
    access: PageAccess
    changed_at: datetime
    heard_at: datetime
    files: dict[str, PublishedFile]
    #: Digest of what it says, without the figures that move by themselves.
    says: str = ""
    unheard: dict[str, PublishedFile] = {}
    #: Its own domain, or empty.
    domain: str = ""
    language: str = DEFAULT
    #: Files that are others in a language that a reader chose, by its tag.
    in_languages: dict[str, dict[str, PublishedFile]] = {}

    @property
    def is_public(self) -> bool:
        return self.access.is_public

    @property
    def place(self) -> PagePlace:
        return PagePlace(self.slug, self.domain, self.access)


def project(
    facts: PageFacts, frame: PageFrame, before: PublishedPage | None = None, year: PageYear | None = None
) -> PublishedPage:
    """The document of these facts, and of a year where that is known, in the languages that its frame offers.

    What says the same as before keeps its time of change. That is no time of this process, so that each web process
    says the same; only of what no row dates it is `now`.
    """
    facts = facts if year is None else replace(facts, latency=year.latency)
    said, changed_at = _said(facts), min(facts.changed_at, facts.now)
    if before is not None and before.id == facts.id and before.says:
        if said == before.says:
            changed_at = before.changed_at
        elif changed_at <= before.changed_at:
            changed_at = facts.now
    facts = replace(facts, changed_at=changed_at)
    files = _files(facts, frame, year)
    if max(map(len, files.values())) > FILE_MOST:
        newest = [replace(one, updates=one.updates[-1:]) for one in facts.incidents]
        facts = replace(facts, incidents=newest, earlier=())
        files = _files(facts, frame, year)
    return PublishedPage(
        facts.id,
        facts.slug,
        facts.access,
        changed_at,
        facts.heard_at,
        _packed(files, before.files if before else {}),
        said,
        _packed(_unheard(facts, frame), before.unheard if before else {}),
        facts.domain,
        facts.language,
        _in_languages(facts, frame, year, before.in_languages if before else {}),
    )


def _said(facts: PageFacts) -> str:
    components = [(one.id, one.name, one.group, one.description, facts.state_of(one)) for one in facts.components]
    incidents = [
        (
            one.id, one.title, one.impact, one.planned, one.updates, one.postmortem_at, one.postmortem,
            sorted(one.components),
        )
        for one in facts.incidents
    ]  # fmt: skip
    said = (facts.slug, facts.language, facts.title, facts.header, facts.footer, components, incidents)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:24]


def _in_languages(
    facts: PageFacts, frame: PageFrame, year: PageYear | None, before: Mapping[str, Mapping[str, PublishedFile]]
) -> dict[str, dict[str, PublishedFile]]:
    """Documents for people in the languages that they may choose beside that of the page."""
    found = {}
    for tag in frame.languages:
        if tag != facts.language:
            files = _readers_files(replace(facts, language=tag), replace(frame, chosen=tag), year)
            found[tag] = _packed(files, before.get(tag, {}))
    return found


def _readers_files(facts: PageFacts, frame: PageFrame, year: PageYear | None) -> dict[str, bytes]:
    """Documents that people read in the language that they choose."""
    return {
        "": page_html(facts, frame).encode(),
        markdown.PAGE_FILE: markdown.markdown_page(facts, frame),
        **incident_pages(facts, frame),
        **(history_files(facts, year, frame) if year is not None else {}),
    }


def _files(facts: PageFacts, frame: PageFrame, year: PageYear | None) -> dict[str, bytes]:
    return {
        **_readers_files(facts, frame, year),
        "history.atom": atom_feed(facts, frame),
        RSS_FILE: rss_feed(facts, frame),
        JSON_FILE: json_feed(facts, frame),
        CALENDAR_FILE: maintenance_calendar(facts, frame),
        markdown.LLMS_FILE: markdown.llms_text(facts, frame),
        FRAME_FILE: embed_document(facts, frame),
        SCRIPT_FILE: embed_script(facts, frame),
        **look_files(facts),
        **badge_files(facts),
        **json_documents(facts, frame),
    }


def _unheard(facts: PageFacts, frame: PageFrame) -> dict[str, bytes]:
    return {
        FRAME_FILE: embed_document(facts, frame, is_heard=False),
        SCRIPT_FILE: embed_script(facts, frame, is_heard=False),
        **badge_files(facts, is_heard=False),
    }


def _packed(files: Mapping[str, bytes], before: Mapping[str, PublishedFile]) -> dict[str, PublishedFile]:
    """The files as they are served; one with the bytes of before is not compressed again."""
    found = {}
    for path, body in files.items():
        last, is_packed = before.get(path), len(body) >= _SMALL and type_of(path) not in PACKED_TYPES
        is_same = last is not None and last.plain == body and bool(last.brotlied) == is_packed
        found[path] = last if last is not None and is_same else file_of(type_of(path), body)
    return found


def type_of(path: str) -> str:
    """The media type of a file of a page."""
    return JSON_FEED if path == JSON_FILE else _TYPES.get(path.rpartition(".")[2], HTML)


def file_of(content_type: str, body: bytes) -> PublishedFile:
    """A file with its digest; the same bytes always have the same tag."""
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
    if len(body) < _SMALL or content_type in PACKED_TYPES:
        return PublishedFile(content_type, body, b"", tag)
    return PublishedFile(
        content_type, body, gzip.compress(body, 6, mtime=0), tag, brotli.compress(body, quality=_BROTLI)
    )
