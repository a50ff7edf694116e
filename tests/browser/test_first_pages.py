"""A person signs in with the one-time link, and reads the pages that every installation has."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, StorageState

from tests.browser.stack import Stack
from vigil.bench.pages.browser import PHONE, new_context, visit


def test_the_link_signs_in_once(stack: Stack, browser: Browser, session: StorageState) -> None:
    with new_context(browser, storage_state=session) as context:
        seen = visit(context, f"{stack.address}/")
        assert "/login" not in seen.page.url
        assert seen.cost is not None and seen.cost.queries < 40
    with new_context(browser) as stranger:
        assert "/login" in visit(stranger, f"{stack.address}/admin/").page.url
        used = stranger.new_page().goto(stack.login_link)
        assert used is not None and used.status == 403


def test_the_docs_lead_a_stranger_to_the_sign_in(stack: Stack, browser: Browser) -> None:
    with new_context(browser) as context:
        seen = visit(context, f"{stack.address}/api/docs/")
        assert (seen.violations(), seen.problems) == ([], [])
        seen.page.get_by_role("link", name="Sign in").click()
        assert seen.page.url.endswith("/sign-in?next=/api/docs/")


def test_the_docs_open_for_who_is_signed_in(stack: Stack, desk: BrowserContext) -> None:
    seen = visit(desk, f"{stack.address}/api/docs/")
    # Those further down are drawn when they come into sight.
    seen.page.locator("[data-path^='/api/v1/']").first.wait_for()
    assert seen.problems == []


def test_a_link_that_opens_nothing_is_whole_on_a_phone(stack: Stack, browser: Browser) -> None:
    with new_context(browser, PHONE, dark=True) as context:
        seen = visit(context, f"{stack.address}/respond/nothing")
        assert seen.violations() == []
        assert not seen.scrolls_sideways()
        assert [line for line in seen.problems if "403" not in line] == []


def test_the_settings_are_one_line_on_a_phone_that_begins_at_the_open_section(
    stack: Stack, browser: Browser, session: StorageState
) -> None:
    with new_context(browser, PHONE, storage_state=session) as context:
        seen = visit(context)
        for section in ("channels", "tokens", "dead-letters", "you"):
            seen.go(f"{stack.address}/settings/{section}")
            line, here = (
                seen.page.locator(name).bounding_box() for name in (".settings-nav", ".settings-nav [aria-current]")
            )
            assert line is not None and here is not None
            assert line["height"] < 2 * here["height"], section
            assert here["x"] >= 0 and here["x"] + here["width"] <= PHONE[0], section
            assert not seen.scrolls_sideways()


def test_notices_and_models_in_use_are_whole_on_a_phone(stack: Stack, browser: Browser, session: StorageState) -> None:
    with new_context(browser, PHONE, dark=True, storage_state=session) as context:
        seen = visit(context)
        for page in ("notices", "models"):
            seen.go(f"{stack.address}/{page}")
            assert (seen.violations(), seen.problems, seen.scrolls_sideways()) == ([], [], False), page
