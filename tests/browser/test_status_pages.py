"""A status page is made, an outage appears on it and is published on a phone; the page is whole without a script."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
from playwright.sync_api import Browser, BrowserContext, StorageState, expect

from tests.browser.stack import Stack
from tests.folder_server import served
from tests.waiting import until
from vigil.bench.pages.browser import PHONE, Visit, new_context, visit


def test_an_outage_is_published_in_two_taps_and_read_by_a_stranger(
    stack: Stack, browser: Browser, session: StorageState, desk: BrowserContext, tmp_path: Path
) -> None:
    seen = visit(desk, f"{stack.address}/settings/status-pages/new")
    page = seen.page
    page.get_by_label("Title").fill("Acme AI")
    page.get_by_label("Address").fill("acme")
    page.locator(f"button[value='components.add.{stack.monitor}']").click()
    page.get_by_label("Public name").fill("Chat API")
    assert (seen.violations(), seen.problems) == ([], [])
    page.get_by_role("button", name="Save the status page").last.click()
    expect(page.locator("a[href='/status/acme']")).to_be_visible()
    assert seen.violations() == []
    reads(stack, "Chat API")
    _is_whole_without_a_script(stack, browser)
    _is_shown_by_another_site(stack, seen, browser, tmp_path)
    seen.go(f"{stack.address}/")
    row = page.locator(f"#m-{stack.monitor}")
    # Every region has to have seen it well first, or nothing changes.
    expect(row.locator(".word")).to_have_text(re.compile("^Up"), timeout=60_000)
    stack.provider(mode="refuse")
    try:
        expect(row.locator(".word")).to_have_text("Down", timeout=60_000)
        incident = row.locator("a[href^='/incidents/']").get_attribute("href")
        reads(stack, "major_outage", "/api/v2/summary.json")
        with new_context(browser, PHONE, storage_state=session) as phone:
            _publish_in_two_taps(phone, f"{stack.address}{incident}")
    finally:
        stack.provider()
    reads(stack, "Problem with Chat API")
    with new_context(browser, PHONE, dark=True) as stranger:
        read = visit(stranger, f"{stack.address}/status/acme")
        expect(read.page.get_by_role("heading", name="Problem with Chat API")).to_be_visible()
        assert (read.violations(), read.problems) == ([], [])
    # It is left as other tests expect it.
    expect(row.locator(".word")).to_have_text(re.compile("^Up"), timeout=150_000)


def reads(stack: Stack, words: str, below: str = "") -> None:
    """Wait until the words are on the page, which is made anew by itself."""
    until(lambda: words in httpx.get(f"{stack.address}/status/acme{below}", timeout=10).text, words)


def _is_whole_without_a_script(stack: Stack, browser: Browser) -> None:
    """For readers who are not signed in, at 320 pixels, within 20 kB."""
    with new_context(browser, PHONE, dark=True, java_script_enabled=False) as stranger:
        seen = visit(stranger, f"{stack.address}/status/acme")
        expect(seen.page.get_by_role("heading", name="Chat API")).to_be_visible()
        assert seen.problems == []
        assert seen.kilobytes <= 20
    with new_context(browser, (320, PHONE[1])) as narrow:
        assert not visit(narrow, f"{stack.address}/status/acme").scrolls_sideways()


def _is_shown_by_another_site(stack: Stack, seen: Visit, browser: Browser, folder: Path) -> None:
    """By the lines that the settings give, on a site whose policy allows nothing but files of this one."""
    seen.go(f"{stack.address}/settings/status-pages")
    seen.page.get_by_role("link", name="Other sites , Acme AI").click()
    expect(seen.page.get_by_role("heading", name="Acme AI on other sites")).to_be_visible()
    assert (seen.violations(), seen.problems) == ([], [])
    frame, script = (seen.page.locator("code").nth(place).inner_text() for place in (0, 1))
    policy = f"default-src 'none'; img-src data:; script-src {stack.address}; frame-src {stack.address}"
    (folder / "index.html").write_text(
        f'<!doctype html><html lang="en"><meta http-equiv="content-security-policy" content="{policy}">'
        f'<link rel="icon" href="data:,"><title>Host</title><main><h1>Host</h1>{frame}<p>{script}</p></main>'
    )
    with served(folder) as address, new_context(browser) as context:
        host = visit(context, address)
        expect(host.page.locator("a.vigil-status")).to_have_attribute("href", f"{stack.address}/status/acme")
        expect(host.page.frame_locator("iframe").get_by_role("link", name="Acme AI")).to_be_visible()
        assert (host.problems, context.cookies()) == ([], [])


def _publish_in_two_taps(phone: BrowserContext, incident: str) -> None:
    seen = visit(phone, incident)
    seen.page.get_by_role("link", name="Publish", exact=True).click()
    expect(seen.page.get_by_role("checkbox", name="Chat API")).to_be_checked()
    assert (seen.violations(), seen.problems) == ([], [])
    seen.page.set_viewport_size({"width": 320, "height": PHONE[1]})
    assert not seen.scrolls_sideways()
    seen.page.get_by_role("button", name="Publish", exact=True).last.click()
    expect(seen.page.locator("#said")).to_contain_text("Published.")
    assert seen.violations() == []


def test_incidents_and_maintenance_are_written_on_a_phone_without_a_script(
    stack: Stack, browser: Browser, session: StorageState
) -> None:
    with new_context(browser, PHONE, storage_state=session, java_script_enabled=False) as phone:
        seen = visit(phone, f"{stack.address}/settings/status-pages/new")
        seen.page.get_by_label("Title").fill("Phone AI")
        seen.page.get_by_label("Address").fill("phone")
        seen.page.get_by_role("button", name="Save the status page").last.click()
        seen.go(f"{stack.address}/settings/public-incidents/new")
        seen.page.get_by_label("Title").fill("Chat answers slowly")
        seen.page.get_by_label("What readers see").fill("We are looking into it.")
        seen.page.get_by_label("Status page").select_option(label="Phone AI: tells no subscriber")
        seen.page.get_by_role("button", name="Save the public incident").last.click()
        expect(seen.page.get_by_role("heading", name="Chat answers slowly")).to_be_visible()
        incident = seen.page.url
    with new_context(browser, PHONE, storage_state=session) as phone:
        seen = visit(phone, incident)
        for address in (
            incident, f"{stack.address}/settings/publishing", f"{stack.address}/settings/public-incidents/new",
            f"{stack.address}/settings/scheduled-maintenances/new", f"{stack.address}/settings/publication-rules/new",
            f"{stack.address}/settings/update-templates/new",
        ):  # fmt: skip
            seen.go(address)
            assert (seen.violations(), seen.problems, seen.scrolls_sideways()) == ([], [], False), address
    until(lambda: "We are looking into it." in httpx.get(f"{stack.address}/status/phone", timeout=10).text, "words")
    with new_context(browser, PHONE, dark=True) as stranger:
        read = visit(stranger, f"{stack.address}/status/phone/incidents/{incident.rpartition('/')[2]}")
        expect(read.page.get_by_role("heading", name="Chat answers slowly")).to_be_visible()
        assert (read.violations(), read.problems, read.scrolls_sideways()) == ([], [], False)
