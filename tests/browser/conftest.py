"""The stack and the browser that browser tests share. One worker runs them all, so that the stack starts once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, StorageState

from tests.browser.stack import CHECKOUT, Stack, start_stack
from vigil.bench.pages.browser import chromium, new_context, sign_in


# Before xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Five regions, a fake provider that is well, a receiver, and the web pages."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "DJANGO_"))}
    running = start_stack({**own, "PYTHONPATH": str(CHECKOUT)})
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one module: while it runs, its loop is this thread's, and Django's queries are refused there."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def _signed_in() -> dict[str, StorageState]:
    return {}


@pytest.fixture
def session(stack: Stack, browser: Browser, _signed_in: dict[str, StorageState]) -> StorageState:
    """The cookies of a person who used the one-time link."""
    if "state" not in _signed_in:
        with new_context(browser) as context:
            sign_in(context, stack.login_link)
            _signed_in["state"] = context.storage_state()
    return _signed_in["state"]


@pytest.fixture
def desk(browser: Browser, session: StorageState) -> Iterator[BrowserContext]:
    """A signed-in browser of 1360 pixels in the light theme."""
    with new_context(browser, storage_state=session) as context:
        yield context
