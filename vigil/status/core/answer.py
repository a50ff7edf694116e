"""The answer to a request for a status page, from its files alone: tags, caching, compression. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from vigil.status.core.document import HTML, JSON, PublishedFile, PublishedPage, file_of
from vigil.status.core.feeds import stale_document
from vigil.status.core.html import stale

PREFIX = "/status/"
#: A page whose source was not heard for longer says so.
STALE = timedelta(minutes=3)
#: How long a cache keeps it without asking, and while we cannot answer (s).
_KEPT_S, _KEPT_IN_TROUBLE_S = 5, 86_400
#: Answers of pages that say that they are old, which are made when they are asked for.
_STALE_KEPT = 16
_SAYING_STALE = {HTML: stale, JSON: stale_document}
_POLICY = (
    "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)

FileAnswer = tuple[int, list[tuple[str, str]], bytes]


@dataclass(frozen=True, slots=True)
class FileRequest:
    """What a request says of itself: the path below the page, and two headers."""

    path: str
    if_none_match: str = ""
    accept_encoding: str = ""


def is_of_status_pages(path: str) -> bool:
    """Whether a path is one of readers of status pages, who are known by no session."""
    return path.startswith(PREFIX)


def split_path(path: str) -> tuple[str, str]:
    """Slug and path below the page, of an address such as /status/acme/api/v2/summary.json."""
    slug, _, rest = path.removeprefix(PREFIX).partition("/")
    return slug, rest


def answer_of(page: PublishedPage, asked: FileRequest, now: datetime) -> FileAnswer | None:
    """Status, headers and body; None for a path that the page does not have."""
    found = page.files.get(asked.path)
    if found is None:
        return None
    if now - page.heard_at > STALE:
        found = _stale(found, page.heard_at)
    headers = [*_headers(page, found), ("ETag", found.etag)]
    if asked.if_none_match and _matches(asked.if_none_match, found.etag):
        return 304, headers, b""
    body = found.plain
    if _takes_gzip(asked.accept_encoding):
        headers.append(("Content-Encoding", "gzip"))
        body = found.gzipped
    return 200, [*headers, ("Content-Type", found.content_type), ("Content-Length", str(len(body)))], body


def _headers(page: PublishedPage, found: PublishedFile) -> list[tuple[str, str]]:
    kept = f"public, max-age={_KEPT_S}, stale-if-error={_KEPT_IN_TROUBLE_S}" if page.is_public else "private, no-cache"
    headers = [
        ("Cache-Control", kept),
        ("Vary", "Accept-Encoding" if page.is_public else "Accept-Encoding, Cookie"),
        ("Content-Security-Policy", _POLICY),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
    ]
    if page.is_public and found.content_type != HTML:
        # Programs of other sites may read what everyone may read.
        headers.append(("Access-Control-Allow-Origin", "*"))
    return headers


def _stale(found: PublishedFile, heard_at: datetime) -> PublishedFile:
    """The file as it says that it is old: the page in a line, a document for programs in its description."""
    if found.content_type in _SAYING_STALE:
        return _stale_file(found.content_type, found.plain, heard_at)
    return found


@lru_cache(maxsize=_STALE_KEPT)
def _stale_file(content_type: str, body: bytes, heard_at: datetime) -> PublishedFile:
    return file_of(content_type, _SAYING_STALE[content_type](body, heard_at))


def _matches(given: str, etag: str) -> bool:
    tags = [one.strip() for one in given[:1_000].split(",")]
    return "*" in tags or any(one.removeprefix("W/") == etag.removeprefix("W/") for one in tags)


def _takes_gzip(given: str) -> bool:
    for one in given[:1_000].split(","):
        name, _, weight = one.partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "").lower() not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
