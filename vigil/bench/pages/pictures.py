"""Pictures of the pages, as WebP, from the same sample data each time."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, StorageState

from vigil.bench.database import own_database
from vigil.bench.pages.browser import DESKTOP, PHONE, chromium, new_context, sign_in, visit
from vigil.bench.pages.run import served
from vigil.local.servers import ports

MONITORS = 24
BYTES_MOST = 150_000
#: Tried in turn until a picture is small enough.
_QUALITIES = (90, 80, 65, 50)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its page, with the ids of the scene filled in, its size and its theme."""

    name: str
    path: str
    size: tuple[int, int] = DESKTOP
    dark: bool = False


PICTURES = (
    Picture("overview-light", "/"),
    Picture("overview-dark", "/", dark=True),
    Picture("monitor-light", "/monitors/{monitor}"),
    Picture("incident-dark", "/incidents/{incident}", dark=True),
    Picture("phone-light", "/incidents/{incident}", PHONE),
)


def take_pictures(folder: Path) -> Iterator[Path]:
    """Write every picture; yields its path."""
    folder.mkdir(parents=True, exist_ok=True)
    port = ports.take_free_port()
    address = f"http://{ports.LOOPBACK}:{port}"
    with ExitStack() as stack:
        stack.enter_context(own_database(VIGIL_BASE_URL=address))
        from vigil.accounts.login import create_login_link, ensure_first_admin
        from vigil.bench.pages.rows import write_scene

        link, scene = create_login_link(ensure_first_admin()), write_scene(MONITORS)
        stack.enter_context(served(port, f"{address}/healthz"))
        browser = stack.enter_context(chromium())
        with new_context(browser) as context:
            sign_in(context, link)
            state = context.storage_state()
        for picture in PICTURES:
            path = picture.path.format(monitor=scene.monitor, incident=scene.incident)
            written = folder / f"{picture.name}.webp"
            written.write_bytes(_taken(browser, state, f"{address}{path}", picture))
            yield written


def _taken(browser: Browser, state: StorageState, address: str, picture: Picture) -> bytes:
    with new_context(browser, picture.size, picture.dark, storage_state=state, reduced_motion="reduce") as context:
        seen = visit(context, address)
        session = context.new_cdp_session(seen.page)
        data = b""
        for quality in _QUALITIES:
            asked: dict[str, Any] = {"format": "webp", "quality": quality}
            data = base64.b64decode(session.send("Page.captureScreenshot", asked)["data"])
            if len(data) <= BYTES_MOST:
                break
        return data
