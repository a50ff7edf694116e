"""A person goes from nothing to a watched address with a proven alert, by the guided start in a real browser."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, StorageState, expect

from tests.browser.stack import Stack
from vigil.bench.pages.browser import PHONE, new_context, visit

#: A trial ends within its timeout; this machine may be busy (ms).
TRIAL_MS = 20_000


def test_the_guided_start_leads_to_a_monitor_with_a_proven_alert(stack: Stack, desk: BrowserContext) -> None:
    seen = visit(desk, f"{stack.address}/start")
    page = seen.page
    assert seen.kilobytes <= 45 and seen.violations() == []
    page.get_by_role("link", name="Any URL").click()
    page.get_by_label("Address").fill(f"{stack.provider_control}/healthz")
    page.get_by_label("Must contain").fill("healthy")
    page.get_by_role("button", name="Look from every region").click()
    # Rows fill in where they stand, and the last brings the button.
    page.get_by_role("button", name="Watch it").wait_for(timeout=TRIAL_MS)
    assert "All 5 regions see it well." in page.locator("#trial").inner_text()
    assert page.locator("#trial-poll").count() == 0 and seen.violations() == []
    page.get_by_role("button", name="Watch it").click()
    page.get_by_role("button", name="Send a real test").nth(1).click()
    page.get_by_text("Did you see it?").wait_for()
    assert seen.violations() == []
    assert any("test" in str(one) for one in stack.received())
    page.get_by_role("button", name="Yes, finish").click()
    page.wait_for_load_state("load")
    assert "/monitors/mon_" in page.url
    assert seen.problems == []


def test_forms_are_whole_on_a_phone_in_the_dark(stack: Stack, browser: Browser, session: StorageState) -> None:
    with new_context(browser, PHONE, dark=True, storage_state=session) as context:
        for path in (f"monitors/{stack.monitor}/edit", "on-call/silences/new", "on-call/policies/new"):
            seen = visit(context, f"{stack.address}/{path}")
            seen.page.evaluate("for (const one of document.querySelectorAll('form details')) one.open = true")
            seen.page.set_viewport_size({"width": 320, "height": PHONE[1]})
            assert (path, seen.violations(), seen.scrolls_sideways(), seen.problems) == (path, [], False, [])
        page = seen.page
        page.get_by_label("Name", exact=True).fill("Night")
        expect(page.locator("#means")).to_contain_text("Step 1 has no target.")
        page.get_by_role("button", name="Add a step").click()
        page.get_by_role("button", name="Move up Step 2").press("Enter")
        expect(page.get_by_role("button", name="Move down Step 1")).to_be_focused()
        assert seen.violations() == [] and seen.problems == []
