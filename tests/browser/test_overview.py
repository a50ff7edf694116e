"""The overview in a real browser: by keyboard, live, at lost contact, without a script, and what an outage leads to."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect

from tests.browser.stack import Stack
from vigil.bench.pages.browser import PHONE, new_context, visit


def test_the_components_are_whole_for_axe(stack: Stack, desk: BrowserContext) -> None:
    # `manage.py bench pages` looks at every page in both themes and widths.
    seen = visit(desk, f"{stack.address}/style")
    assert (seen.violations(), seen.problems) == ([], [])
    runs = seen.page.get_by_role("slider", name="Last 30 times").first
    runs.focus()
    seen.page.keyboard.press("ArrowLeft")
    expect(seen.page.locator("[data-run-bars] output").first).to_contain_text("overlapped the run before")


def test_rows_are_paused_by_keyboard_and_the_palette_gives_the_focus_back(stack: Stack, desk: BrowserContext) -> None:
    seen = visit(desk, f"{stack.address}/")
    page = seen.page
    assert (seen.violations(), seen.problems) == ([], [])
    row = page.locator(f"#m-{stack.monitor}")
    for key in ("j", "x", "p"):
        page.keyboard.press(key)
    expect(page.locator("#toast .said")).to_contain_text("paused.")
    expect(row.locator(".word")).to_have_text("Paused")
    page.keyboard.press("u")
    expect(page.locator("#toast .said")).to_contain_text("Undone")
    expect(row.locator(".word")).not_to_have_text("Paused")
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


def test_an_outage_shows_by_itself_and_is_taken_on_a_phone(
    stack: Stack, browser: Browser, session: StorageState, desk: BrowserContext
) -> None:
    page = visit(desk, f"{stack.address}/").page
    row = page.locator(f"#m-{stack.monitor}")
    # Every region has to have seen it well first, or nothing changes.
    expect(row.locator(".word")).to_have_text(re.compile("^Up"), timeout=60_000)
    row.locator("a.name").focus()
    stack.provider(mode="refuse")
    try:
        expect(row.locator(".word")).to_have_text("Down", timeout=60_000)
        assert page.evaluate("document.activeElement.closest('[data-row]').id") == f"m-{stack.monitor}"
        expect(page).to_have_title(re.compile(r"^\(1\) Overview"), timeout=10_000)
        expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("favicon-down"))
        # Read before somebody takes it: from then on it is listed last, and the page shows the first few.
        incident = row.locator("a[href^='/incidents/']").get_attribute("href")
        with new_context(browser, PHONE, dark=True) as stranger:
            _take_by_link(stack, stranger)
    finally:
        stack.provider()
    # It is over a minute after it was confirmed: long enough for a walk.
    with new_context(browser, PHONE, dark=True, storage_state=session) as phone:
        seen = visit(phone)
        for path in (
            f"{incident}",
            f"/monitors/{stack.monitor}",
            "/heartbeats",
            "/on-call",
            "/settings/channels",
            "/more",
            "/providers",
            "/providers/openai",
            "/providers/leads",
            "/providers/regions",
        ):
            seen.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
            seen.go(f"{stack.address}{path}")
            assert (path, seen.violations(), seen.problems) == (path, [], [])
            seen.page.set_viewport_size({"width": 320, "height": PHONE[1]})
            assert not seen.scrolls_sideways(), path
            if path == incident:
                _prints_and_forces_colours(seen.page)
    expect(row.locator(".word")).to_have_text(re.compile("^Up"), timeout=150_000)
    expect(page).to_have_title(re.compile("^Overview"))


def _take_by_link(stack: Stack, context: BrowserContext) -> None:
    """One tap from the link of the alert, without a session."""
    links = re.findall(r"https?://[^\"'\s\\\\]+/respond/[^\"'\s\\\\]+", str(stack.received()))
    seen = visit(context, links[-1])
    button = seen.page.get_by_role("button", name="Acknowledge")
    assert (button.bounding_box() or {"height": 0})["height"] >= 44
    button.tap()
    expect(seen.page.locator(".lead")).to_contain_text("Acknowledged by")
    assert (seen.violations(), seen.scrolls_sideways(), seen.problems) == ([], False, [])


def _prints_and_forces_colours(page: Page) -> None:
    page.emulate_media(forced_colors="active")
    borders = page.locator(".btn").evaluate_all(
        "all => all.filter((one) => one.checkVisibility()).map((one) => getComputedStyle(one).borderTopWidth)"
    )
    assert borders and set(borders) == {"1px"}
    assert page.locator(".mark").first.evaluate("one => getComputedStyle(one).forcedColorAdjust") == "none"
    page.emulate_media(forced_colors="none", media="print")
    assert not any(page.locator(hidden).first.is_visible() for hidden in (".side", ".bar", ".map"))
    assert page.locator("h1").is_visible() and page.locator(".votes").first.is_visible()
    page.emulate_media(media="screen")


def test_it_reads_and_filters_without_a_script(stack: Stack, browser: Browser, session: StorageState) -> None:
    with new_context(browser, storage_state=session, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{stack.address}/")
        page.locator("[data-search]").fill("no such monitor")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("matches")).to_be_visible()
        page.locator(".chips").get_by_text("Clear all").click()
        expect(page.locator(f"#m-{stack.monitor}")).to_be_visible()
