"""The document of a status page: every file that it is served as, made from facts alone. Pure."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import msgspec

from vigil.status.core.facts import PageFacts, PageFrame
from vigil.status.core.feeds import atom_feed, json_documents
from vigil.status.core.html import page_html

HTML, JSON, ATOM = "text/html; charset=utf-8", "application/json; charset=utf-8", "application/atom+xml; charset=utf-8"
#: Largest file (bytes); a page with more tells the newest update of each incident alone.
FILE_MOST = 4_000_000


class PublishedFile(msgspec.Struct, frozen=True):
    """One file: its bytes, plain and compressed, and the tag of its content."""

    content_type: str
    plain: bytes
    gzipped: bytes
    etag: str


class PublishedPage(msgspec.Struct, frozen=True):
    """A page as it is served. `access` is the hash of its password, or empty; files are by path, the page by ''."""

    id: str
    slug: str
    access: str
    changed_at: datetime
    heard_at: datetime
    files: dict[str, PublishedFile]
    #: Digest of what it says, without the figures that move by themselves.
    says: str = ""

    @property
    def is_public(self) -> bool:
        return not self.access


def project(facts: PageFacts, frame: PageFrame, before: PublishedPage | None = None) -> PublishedPage:
    """The document of these facts. What says the same as before keeps its time of change.

    That is no time of this process, so that each web process says the same; only of what no row dates it is `now`.
    """
    said, changed_at = _said(facts), min(facts.changed_at, facts.now)
    if before is not None and before.id == facts.id and before.says:
        if said == before.says:
            changed_at = before.changed_at
        elif changed_at <= before.changed_at:
            changed_at = facts.now
    return _made(replace(facts, changed_at=changed_at), frame, said)


def _said(facts: PageFacts) -> str:
    components = [(one.id, one.name, one.group, one.description, facts.state_of(one)) for one in facts.components]
    incidents = [(one.id, one.title, one.impact, one.updates, sorted(one.components)) for one in facts.incidents]
    said = (facts.slug, facts.title, facts.header, facts.footer, components, incidents)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:24]


def _made(facts: PageFacts, frame: PageFrame, said: str) -> PublishedPage:
    files = _files(facts, frame)
    if max(len(file.plain) for file in files.values()) > FILE_MOST:
        newest = [replace(one, updates=one.updates[-1:]) for one in facts.incidents]
        files = _files(replace(facts, incidents=newest), frame)
    return PublishedPage(facts.id, facts.slug, facts.access, facts.changed_at, facts.heard_at, files, said)


def _files(facts: PageFacts, frame: PageFrame) -> dict[str, PublishedFile]:
    texts: Mapping[str, tuple[str, bytes]] = {
        "": (HTML, page_html(facts, frame).encode()),
        "history.atom": (ATOM, atom_feed(facts, frame)),
        **{path: (JSON, body) for path, body in json_documents(facts, frame).items()},
    }
    return {path: file_of(kind, body) for path, (kind, body) in texts.items()}


def file_of(content_type: str, body: bytes) -> PublishedFile:
    """A file with its digest; the same bytes always have the same tag."""
    digest = hashlib.sha256(body).hexdigest()[:24]
    return PublishedFile(content_type, body, gzip.compress(body, 6, mtime=0), f'W/"{digest}"')
