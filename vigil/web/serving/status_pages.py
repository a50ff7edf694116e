"""Status pages of the web process: public ones are answered by the event loop, from memory, before Django."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from vigil.configuration import configuration
from vigil.status.addresses import address_of, own_hosts
from vigil.status.core.answer import FileAnswer, FileRequest, answer_of, preflight_of, split_path
from vigil.status.core.domains import ICON, PREFIX, host_of, is_of_subscriber, path_on_domain
from vigil.status.core.facts import PageFrame
from vigil.status.core.languages import LANGUAGES, chosen_of
from vigil.status.models import StatusPage
from vigil.status.published import PublishedPages
from vigil.status.publisher import PagePublisher
from vigil.web.assets import FOLDER as STATIC
from vigil.web.assets import address_of as bundle_at
from vigil.web.assets import bundle
from vigil.web.serving.bodies import Scope

FOLDER = "status"
#: Of a request that came to a page's own domain, which it names.
PAGE_DOMAIN = "vigil.page_domain"
#: Asked by a proxy that gets certificates on demand: 200 for a domain that a page has.
ASK, ASKED = "/status-domain", "domain"
#: How often the thread that makes pages is looked after (s).
LOOK_S = 5.0


@lru_cache(maxsize=1)
def published_pages() -> PublishedPages:
    """The pages that this process serves; on its disk where it has a folder."""
    folder = configuration().data_dir
    return PublishedPages(folder / FOLDER if folder else None)


def frame_of(page: StatusPage) -> PageFrame:
    """Where a page and what it needs are served."""
    address = address_of(page)
    bundles = (bundle_at(name) for name in ("vigil.css", "icons.svg", "strips.js"))
    style, sprite, script = bundles
    look = f"{PREFIX}{page.slug}"
    return PageFrame(address, style, sprite, ICON, f"{address}/subscribe", script, tuple(LANGUAGES), look=look)


def static_assets() -> dict[str, tuple[str, bytes]]:
    """What a page needs beside its files, by its address in a frame: where it is in an export, and its bytes."""
    found = {bundle_at(name): bundle(name) for name in ("vigil.css", "icons.svg", "strips.js")}
    icon = ("assets/favicon.svg", (STATIC / "favicon.svg").read_bytes())
    return {ICON: icon, **{address: (f"assets/{one.name}", one.plain) for address, one in found.items()}}


class StatusPages:
    """What the server asks first. `start` and `stop` run on the loop that serves."""

    def __init__(self) -> None:
        self._pages = published_pages()
        self._publisher = PagePublisher(self._pages, frame_of)
        self._secure = [("Strict-Transport-Security", "max-age=2592000")] if configuration().is_https else []
        self._looking: asyncio.Task[None] | None = None
        self._own_hosts, self._host = own_hosts(), urlsplit(configuration().base_url).netloc.encode("latin-1")

    def start(self) -> None:
        self._publisher.start()
        self._looking = asyncio.create_task(self._look())

    async def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        await asyncio.to_thread(self._publisher.stop)

    def knows_pages(self) -> bool:
        """Whether a reader who comes now finds the pages that there are."""
        return self._publisher.knows_pages

    def placed(self, scope: Scope) -> Scope:
        """The request as the installation has it: on a page's own domain only that page exists, whatever is asked."""
        host = host_of(_header(scope, b"host"))
        is_other = bool(host) and host not in self._own_hosts
        page = self._pages.of_domain(host) if is_other else None
        # Links of letters go on at a domain that their page has no more, or that is not served: who leaves, leaves.
        if page is None and not (is_other and is_of_subscriber(scope["path"])):
            return scope
        headers = [*((name, value) for name, value in scope["headers"] if name != b"host"), (b"host", self._host)]
        if page is None:
            return {**scope, "headers": headers}
        return {
            **scope, "path": path_on_domain(page.slug, scope["path"]), "headers": headers, PAGE_DOMAIN: page.domain,
        }  # fmt: skip

    def answer(self, scope: Scope) -> FileAnswer | None:
        """The answer to a reader of a public page, placed; None for what Django answers."""
        if scope["path"] == ASK:
            return self._is_asked(scope)
        if not scope["path"].startswith(PREFIX) or scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            return None
        slug, below = split_path(scope["path"])
        page = self._pages.find(slug)
        if page is None or not page.is_public:
            return None
        if scope["method"] == "OPTIONS":
            return preflight_of(page, below)
        tag, encoding = _header(scope, b"if-none-match"), _header(scope, b"accept-encoding")
        asked = FileRequest(below, tag, encoding, chosen_of(_query(scope)))
        found = answer_of(page, asked, datetime.now(UTC))
        return (found[0], [*found[1], *self._secure], found[2]) if found else None

    def _is_asked(self, scope: Scope) -> FileAnswer:
        given = _query(scope).get(ASKED, "")
        is_known = self._pages.of_domain(host_of(given)) is not None
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
        return (200, headers, b"A status page has it.\n") if is_known else (404, headers, b"No status page has it.\n")

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self._publisher.keep_alive()


def _query(scope: Scope) -> dict[str, str]:
    found: bytes = scope["query_string"]
    return dict(parse_qsl(found[:1_000].decode("latin-1"))) if found else {}


def _header(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for each, value in scope["headers"] if each == name)
