"""The answer to a request for a status page, from its files alone: tags, caching, compression. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from vigil.status.core.content_codings import PLAIN, accepted_codings
from vigil.status.core.document import HTML, PACKED_TYPES, PublishedFile, PublishedPage, file_of, type_of
from vigil.status.core.domains import PREFIX, SUBSCRIPTIONS
from vigil.status.core.elsewhere import markdown
from vigil.status.core.elsewhere.embeds import FRAME_FILE
from vigil.status.core.feeds import stale_document
from vigil.status.core.html import stale
from vigil.status.core.languages import words_of

#: A page whose source was not heard for longer says so.
STALE = timedelta(minutes=3)
#: How long a cache keeps it without asking, and while we cannot answer (s).
_KEPT_S, _KEPT_IN_TROUBLE_S = 5, 86_400
#: Files that say that they are old, by their paths, and how many that were made when they were asked for are kept.
_STALE_KEPT = 64
_SAYING_STALE = {
    "": stale,
    markdown.PAGE_FILE: markdown.stale_markdown,
    "api/v2/summary.json": stale_document,
    "api/v2/status.json": stale_document,
}
_POLICY = (
    "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors "
)
#: What lets other sites read it.
_FOR_OTHERS = (("Access-Control-Allow-Origin", "*"), ("Cross-Origin-Resource-Policy", "cross-origin"))

FileAnswer = tuple[int, list[tuple[str, str]], bytes]


@dataclass(frozen=True, slots=True)
class FileRequest:
    """What a request says of itself: the path below the page, two headers, and the language that it names."""

    path: str
    if_none_match: str = ""
    accept_encoding: str = ""
    language: str = ""


def is_of_status_pages(path: str) -> bool:
    """Whether a path is one of readers of status pages, who are known by no session."""
    return path.startswith((PREFIX, SUBSCRIPTIONS))


def split_path(path: str) -> tuple[str, str]:
    """Slug and path below the page, of an address such as /status/acme/api/v2/summary.json or /status/acme.md."""
    slug, _, rest = path.removeprefix(PREFIX).partition("/")
    if not rest and slug.endswith(".md"):
        return slug.removesuffix(".md"), markdown.PAGE_FILE
    return slug, rest


def answer_of(page: PublishedPage, asked: FileRequest, now: datetime) -> FileAnswer | None:
    """Status, headers and body; None for a path that the page does not have."""
    found = as_of(page, asked.path, now, asked.language)
    if found is None:
        return None
    headers = [*_headers(page, found, asked.path == FRAME_FILE), ("ETag", found.etag)]
    if asked.if_none_match and _matches(asked.if_none_match, found.etag):
        return 304, headers, b""
    encoding, body = _encoded(found, asked.accept_encoding)
    if encoding:
        headers.append(("Content-Encoding", encoding))
    return 200, [*headers, ("Content-Type", found.content_type), ("Content-Length", str(len(body)))], body


def as_of(page: PublishedPage, path: str, now: datetime, language: str = "") -> PublishedFile | None:
    """The file as it is read at this time: it says so where its source is silent. None for a path without one.

    A document for people is in the language, where the page has it in that one.
    """
    chosen = page.in_languages.get(language, {}).get(path)
    found = chosen or page.files.get(path)
    if found is None or now - page.heard_at <= STALE:
        return found
    if path in _SAYING_STALE:
        return _stale_file(path, found.plain, page.heard_at, language if chosen else page.language)
    return page.unheard.get(path) or found


def preflight_of(page: PublishedPage, path: str) -> FileAnswer | None:
    """What a browser is told that asks whether a program of another site may ask with headers of its own (CORS)."""
    found = page.files.get(path)
    if found is None or not _is_for_others(page, found):
        return None
    allowed = [("Access-Control-Allow-Methods", "GET, HEAD"), ("Access-Control-Allow-Headers", "*")]
    return 204, [*_FOR_OTHERS, *allowed, ("Access-Control-Max-Age", "86400")], b""


def _is_for_others(page: PublishedPage, found: PublishedFile) -> bool:
    """Whether programs and pages of other sites may have it: what everyone may read, but for pages for people."""
    return page.is_public and found.content_type != HTML


def _headers(page: PublishedPage, found: PublishedFile, is_framed: bool) -> list[tuple[str, str]]:
    kept = f"public, max-age={_KEPT_S}, stale-if-error={_KEPT_IN_TROUBLE_S}" if page.is_public else "private, no-cache"
    headers = [
        ("Cache-Control", kept),
        ("Vary", "Accept-Encoding" if page.is_public else "Accept-Encoding, Cookie"),
        ("Content-Security-Policy", _policy(page, found, is_framed)),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
    ]
    if _is_for_others(page, found):
        headers += [*_FOR_OTHERS, ("Access-Control-Expose-Headers", "ETag")]
    if not page.is_public:
        headers.append(("X-Robots-Tag", "noindex, nofollow"))
    return headers


def _policy(page: PublishedPage, found: PublishedFile, is_framed: bool) -> str:
    if found.content_type in PACKED_TYPES:
        # A team's own bytes: opened by themselves they are a picture and nothing else.
        return "default-src 'none'; sandbox"
    return _POLICY + ("*" if is_framed and page.is_public else "'none'")


@lru_cache(maxsize=_STALE_KEPT)
def _stale_file(path: str, body: bytes, heard_at: datetime, language: str) -> PublishedFile:
    """The file as it says that it is old: the page in a line, a document for programs in its description."""
    return file_of(type_of(path), _SAYING_STALE[path](body, heard_at, words_of(language)))


def _matches(given: str, etag: str) -> bool:
    tags = [one.strip() for one in given[:1_000].split(",")]
    return "*" in tags or any(one.removeprefix("W/") == etag.removeprefix("W/") for one in tags)


def _encoded(found: PublishedFile, accepts: str) -> tuple[str, bytes]:
    """Name of the coding, or empty, and the bytes in it: of what the reader wants most, the shortest."""
    bodies = {"br": found.brotlied, "gzip": found.gzipped, PLAIN: found.plain}
    name = next((one for one in accepted_codings(accepts) if bodies[one]), PLAIN)
    return name, bodies[name]
