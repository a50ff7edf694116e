"""A person goes from nothing to a watched address with a proven alert, by the guided start in a real browser."""

from __future__ import annotations

from playwright.sync_api import Browser, BrowserContext, StorageState

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


def test_a_form_is_whole_on_a_phone_in_the_dark(stack: Stack, browser: Browser, session: StorageState) -> None:
    with new_context(browser, PHONE, dark=True, storage_state=session) as context:
        seen = visit(context, f"{stack.address}/monitors/{stack.monitor}/edit")
        seen.page.evaluate("for (const one of document.querySelectorAll('form details')) one.open = true")
        assert seen.violations() == [] and not seen.scrolls_sideways() and seen.problems == []
