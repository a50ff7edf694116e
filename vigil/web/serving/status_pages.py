"""Status pages of the web process: public ones are answered by the event loop, from memory, before Django."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import lru_cache

from vigil.configuration import configuration
from vigil.status.core.answer import PREFIX, FileAnswer, FileRequest, answer_of, split_path
from vigil.status.core.facts import PageFrame
from vigil.status.published import PublishedPages
from vigil.status.publisher import PagePublisher
from vigil.web.assets import address_of
from vigil.web.serving.bodies import Scope

FOLDER = "status"
#: How often the thread that makes pages is looked after (s).
LOOK_S = 5.0


@lru_cache(maxsize=1)
def published_pages() -> PublishedPages:
    """The pages that this process serves; on its disk where it has a folder."""
    folder = configuration().data_dir
    return PublishedPages(folder / FOLDER if folder else None)


def frame_of(slug: str) -> PageFrame:
    """Where a page and what it needs are served."""
    address = f"{configuration().base_url}{PREFIX}{slug}"
    return PageFrame(address, address_of("vigil.css"), address_of("icons.svg"), "/static/web/favicon.svg")


class StatusPages:
    """What the server asks first. `start` and `stop` run on the loop that serves."""

    def __init__(self) -> None:
        self._pages = published_pages()
        self._publisher = PagePublisher(self._pages, frame_of)
        self._secure = [("Strict-Transport-Security", "max-age=2592000")] if configuration().is_https else []
        self._looking: asyncio.Task[None] | None = None

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

    def answer(self, scope: Scope) -> FileAnswer | None:
        """The answer to a reader of a public page; None for what Django answers."""
        if not scope["path"].startswith(PREFIX) or scope["method"] not in ("GET", "HEAD"):
            return None
        slug, below = split_path(scope["path"])
        page = self._pages.find(slug)
        if page is None or not page.is_public:
            return None
        asked = FileRequest(below, _header(scope, b"if-none-match"), _header(scope, b"accept-encoding"))
        found = answer_of(page, asked, datetime.now(UTC))
        return (found[0], [*found[1], *self._secure], found[2]) if found else None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self._publisher.keep_alive()


def _header(scope: Scope, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for each, value in scope["headers"] if each == name)
