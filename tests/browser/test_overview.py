"""The overview in a real browser: by keyboard, live, at lost contact, without a script, and for axe."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, StorageState, expect

from tests.browser.stack import Stack
from vigil.bench.pages.browser import DESKTOP, PHONE, new_context, visit


# `manage.py bench pages` looks at every page in both themes and widths.
@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (PHONE, True)], ids=["desk-light", "phone-dark"])
def test_pages_are_whole_for_axe_and_in_both_themes(
    stack: Stack, browser: Browser, session: StorageState, size: tuple[int, int], dark: bool
) -> None:
    with new_context(browser, size, dark, storage_state=session) as context:
        for path in ("/", "/style", "/more"):
            seen = visit(context, f"{stack.address}{path}")
            assert (path, seen.violations(), seen.problems) == (path, [], [])
            seen.page.set_viewport_size({"width": min(size[0], 320), "height": size[1]})
            assert size == DESKTOP or not seen.scrolls_sideways()


def test_picked_rows_are_paused_by_keyboard_and_undone(stack: Stack, desk: BrowserContext) -> None:
    page = visit(desk, f"{stack.address}/").page
    row = page.locator(f"#m-{stack.monitor}")
    for key in ("j", "x", "p"):
        page.keyboard.press(key)
    expect(page.locator("#toast .said")).to_contain_text("paused.")
    expect(row.locator(".word")).to_have_text("Paused")
    page.keyboard.press("u")
    expect(page.locator("#toast .said")).to_contain_text("Undone")
    expect(row.locator(".word")).not_to_have_text("Paused")


def test_the_palette_opens_a_monitor_and_gives_the_focus_back(stack: Stack, desk: BrowserContext) -> None:
    page = visit(desk, f"{stack.address}/").page
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette-list [role=option]").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-search]")).to_be_focused()


def test_what_is_no_longer_known_turns_grey_and_comes_back_by_itself(stack: Stack, desk: BrowserContext) -> None:
    page = visit(desk, f"{stack.address}/").page
    desk.set_offline(True)
    expect(page.locator("html[data-lost]")).to_be_attached(timeout=17_000)
    expect(page.locator("#contact")).to_contain_text("Lost contact. Last heard")
    greys = page.locator("[data-row] .mark svg").evaluate_all(
        "all => new Set(all.map((one) => getComputedStyle(one).color)).size"
    )
    assert greys == 1
    desk.set_offline(False)
    expect(page.locator("html:not([data-lost])")).to_be_attached(timeout=6_000)


def test_an_outage_shows_by_itself_and_leaves_the_focus_where_it_is(stack: Stack, desk: BrowserContext) -> None:
    page = visit(desk, f"{stack.address}/").page
    row = page.locator(f"#m-{stack.monitor}")
    row.locator("a.name").focus()
    stack.provider(mode="refuse")
    try:
        expect(row.locator(".word")).to_have_text("Down", timeout=60_000)
        assert page.evaluate("document.activeElement.closest('[data-row]').id") == f"m-{stack.monitor}"
        expect(page).to_have_title(re.compile(r"^\(1\) Overview"), timeout=10_000)
    finally:
        stack.provider()
    expect(row.locator(".word")).to_have_text(re.compile("^Up"), timeout=150_000)


def test_it_reads_and_filters_without_a_script(stack: Stack, browser: Browser, session: StorageState) -> None:
    with new_context(browser, storage_state=session, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{stack.address}/")
        page.locator("[data-search]").fill("no such monitor")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("matches")).to_be_visible()
        page.locator(".chips").get_by_text("Clear all").click()
        expect(page.locator(f"#m-{stack.monitor}")).to_be_visible()
