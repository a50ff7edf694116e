"""The stack and the browser that browser tests share. One worker runs them all, so that the stack starts once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, StorageState

from tests.browser.stack import CHECKOUT, MAIL_SERVER, Stack, start_stack
from vigil.bench.pages.browser import chromium, new_context, sign_in
from vigil.demo.mail_receiver import MailReceiver

HERE = Path(__file__).parent
_RUNNING = pytest.StashKey[Stack]()


# Before xdist reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def mail() -> Iterator[MailReceiver]:
    """The mail server of the stack."""
    receiver = MailReceiver()
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture
def stack(request: pytest.FixtureRequest, mail: MailReceiver) -> Stack:
    """Five regions, a fake provider that is well, a receiver, a mail server and the web pages: started by the first
    test."""
    known = request.session.stash.get(_RUNNING, None)
    if known is not None:
        return known
    own = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "DJANGO_"))}
    own |= {"PYTHONPATH": str(CHECKOUT), MAIL_SERVER: mail.address}
    return request.session.stash.setdefault(_RUNNING, start_stack(own))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Stop the stack with the last test here: it would go on checking beside all the tests that follow."""
    is_last = nextitem is None or HERE not in nextitem.path.parents
    if is_last and _RUNNING in item.session.stash:
        item.session.stash[_RUNNING].stop()
        del item.session.stash[_RUNNING]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one module: while it runs, its loop is this thread's, and Django's queries are refused there."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def _signed_in() -> dict[str, StorageState]:
    """Cookies by the address of the one-time link, which each stack has of its own."""
    return {}


@pytest.fixture
def session(stack: Stack, browser: Browser, _signed_in: dict[str, StorageState]) -> StorageState:
    """The cookies of a person who used the one-time link."""
    if stack.login_link not in _signed_in:
        with new_context(browser) as context:
            sign_in(context, stack.login_link)
            _signed_in[stack.login_link] = context.storage_state()
    return _signed_in[stack.login_link]


@pytest.fixture
def desk(browser: Browser, session: StorageState) -> Iterator[BrowserContext]:
    """A signed-in browser of 1360 pixels in the light theme."""
    with new_context(browser, storage_state=session) as context:
        yield context
