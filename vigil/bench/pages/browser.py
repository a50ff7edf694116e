"""A real browser for benchmarks, pictures and tests: Debian's Chromium, what its pages log and transfer, and axe."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from vigil.cli.errors import CommandError

CHROMIUM = "/usr/bin/chromium"
#: Without background work, so that it asks nothing of the network.
_FLAGS = (
    "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP, PHONE = (1360, 900), (360, 740)
LOAD_MS = 30_000
_LOOKS, _LOOK_MS = 30, 100
_TIMING = re.compile(r'db;desc="(\d+) queries";dur=([\d.]+), total;dur=([\d.]+)')


class NoBrowser(CommandError):
    """Chromium is not there."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A running browser without a profile; raises `NoBrowser` with what to install."""
    if not Path(CHROMIUM).exists():
        raise NoBrowser(f"{CHROMIUM} is missing: install Debian's package chromium, then run this again")
    flags = [*_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True, slots=True)
class ServerCost:
    """What the server says that a page cost it: queries, and milliseconds in all."""

    queries: int
    total_ms: float


@dataclass(slots=True)
class Visit:
    """An open page: what it logged as errors (also of its security policy), and what it has transferred."""

    page: Page
    problems: list[str] = field(default_factory=list)
    #: Address of each request -> bytes of its answer on the wire, headers included.
    transferred: dict[str, int] = field(default_factory=dict)
    cost: ServerCost | None = None
    _addresses: dict[str, str] = field(default_factory=dict)

    @property
    def kilobytes(self) -> float:
        return sum(self.transferred.values()) / 1000

    def log(self, problem: str) -> None:
        self.problems.append(problem)

    def go(self, address: str) -> None:
        """Open an address and wait until the network is quiet; the figures are those of this load."""
        self.transferred.clear()
        self._addresses.clear()
        answer = self.page.goto(address, wait_until="load", timeout=LOAD_MS)
        self.page.wait_for_load_state("networkidle", timeout=LOAD_MS)
        told = _TIMING.search(answer.headers.get("server-timing", "")) if answer else None
        self.cost = ServerCost(int(told[1]), float(told[3])) if told else None

    def first_contentful_paint_ms(self) -> float:
        """Milliseconds from the navigation to the first content."""
        paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"
        return float(self.page.evaluate(paint))

    def scrolls_sideways(self) -> bool:
        """Whether the page stays wider than its window. A chart follows the size of the window a moment later."""
        for _ in range(_LOOKS):
            if self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
                return False
            self.page.wait_for_timeout(_LOOK_MS)
        return True

    def violations(self) -> list[str]:
        """What axe finds, a line a rule and place."""
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def new_context(
    browser: Browser, size: tuple[int, int] = DESKTOP, dark: bool = False, **options: Any
) -> BrowserContext:
    """A context of one theme and size, as a new visitor has it; `options` are Playwright's."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        has_touch=width < DESKTOP[0],
        service_workers="block",
        **options,
    )
    context.set_default_timeout(LOAD_MS)
    return context


def visit(context: BrowserContext, address: str = "") -> Visit:
    """Open a page that is watched; without an address an empty one."""
    page = context.new_page()
    seen = Visit(page)
    page.on("console", lambda message: seen.log(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.log(str(error)))
    _watch_network(context.new_cdp_session(page), seen)
    if address:
        seen.go(address)
    return seen


def sign_in(context: BrowserContext, link: str) -> None:
    """Press the button of a one-time link."""
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button").first.click()
    page.wait_for_load_state("load")
    page.close()


def _watch_network(session: CDPSession, seen: Visit) -> None:
    session.send("Network.enable")

    def asked(event: dict[str, Any]) -> None:
        address = event["request"]["url"]
        if not address.startswith("data:"):
            seen._addresses[event["requestId"]] = address

    def finished(event: dict[str, Any]) -> None:
        address = seen._addresses.get(event["requestId"])
        if address is not None:
            seen.transferred[address] = seen.transferred.get(address, 0) + int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", asked)
    session.on("Network.loadingFinished", finished)
