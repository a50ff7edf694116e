"""A page in its own colours and language is read day by day with keys, and stands on a domain of its own."""

from __future__ import annotations

import re

import httpx
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.stack import Stack
from tests.vigil.status.core.test_look import png
from tests.waiting import until
from vigil.bench.pages.browser import PHONE, Visit, new_context, visit

DOMAIN = "status.days.test"


def test_a_page_with_a_look_is_read_by_keys_and_on_its_domain(
    stack: Stack, browser: Browser, desk: BrowserContext
) -> None:
    seen = visit(desk, f"{stack.address}/settings/status-pages/new")
    page = seen.page
    page.get_by_label("Title").fill("Tage")
    page.get_by_label("Address").fill("days")
    page.locator(f"button[value='components.add.{stack.monitor}']").click()
    page.get_by_label("Public name").fill("Chat")
    page.get_by_label("Show its response times").check()
    page.get_by_text("Language, colour and texts").click()
    page.get_by_label("Language").select_option("de")
    page.get_by_label("Colour of links").fill("#ffee00")
    page.get_by_label("Text above the components").fill("**Fragen?** [Schreib uns](https://example.test/).")
    assert (seen.violations(), seen.problems) == ([], [])
    page.get_by_role("button", name="Save the status page").last.click()
    page.get_by_role("link", name="Pictures of Tage").click()
    page.locator("#f-logo").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": png(120, 40)})
    page.get_by_role("button", name="Add Logo").click()
    expect(page.get_by_text("It has one of 120 x 40 pixels.")).to_be_visible()
    assert (seen.violations(), seen.problems) == ([], [])
    address = f"{stack.address}/status/days"
    until(lambda: "logo.png" in httpx.get(address, timeout=10).text, "the page with its logo")
    for dark in (False, True):
        with new_context(browser, PHONE, dark=dark) as stranger:
            read = visit(stranger, address)
            expect(read.page.get_by_role("link", name="Schreib uns")).to_be_visible()
            assert (read.violations(), read.problems) == ([], [])
            assert read.kilobytes <= 20
            if dark:
                read.page.get_by_role("link", name="English").click()
                expect(read.page.get_by_role("link", name="Subscribe")).to_be_visible()
            _is_read_by_keys(read, "Open " if dark else "Öffnen: ")
    with new_context(browser, (320, PHONE[1]), java_script_enabled=False) as plain:
        _is_read_without_a_script(visit(plain, address))
    _stands_on_its_domain(stack, seen)


def _is_read_by_keys(read: Visit, opens: str) -> None:
    """The strip is one stop; a key moves by a day, and Enter opens it, in the language that was chosen."""
    slider = read.page.get_by_role("slider")
    expect(slider).to_have_count(1)
    slider.focus()
    read.page.keyboard.press("End")
    newest = slider.get_attribute("aria-valuetext")
    read.page.keyboard.press("ArrowLeft")
    expect(slider).not_to_have_attribute("aria-valuetext", newest or "")
    expect(read.page.get_by_role("link", name=re.compile(f"^{opens}"))).to_be_visible()
    read.page.keyboard.press("Enter")
    read.page.wait_for_url(re.compile(r"/status/days/history/\d{4}-\d{2}(\?lang=en)?#d-\d{4}-\d{2}-\d{2}$"))
    day = read.page.url.partition("#")[2]
    expect(read.page.locator(f"[id='{day}']")).to_be_visible()
    assert (read.violations(), read.problems) == ([], [])


def _is_read_without_a_script(read: Visit) -> None:
    assert not read.scrolls_sideways()
    read.page.get_by_role("link", name="Die letzten 365 Tage").click()
    expect(read.page.get_by_role("heading", name="Die letzten 365 Tage")).to_be_visible()
    assert not read.scrolls_sideways()
    read.page.locator("#months a").first.click()
    expect(read.page.locator("section[id^='d-']").first).to_be_visible()
    assert not read.scrolls_sideways() and read.problems == []


def _stands_on_its_domain(stack: Stack, seen: Visit) -> None:
    """Alone, as a proxy that passes on the name would ask for it."""
    seen.go(f"{stack.address}/settings/status-pages")
    seen.page.get_by_role("link", name="Change Tage").click()
    seen.page.get_by_label("Own domain").fill(DOMAIN)
    seen.page.locator("button.main-act[value=save]").click()
    expect(seen.page.get_by_text(DOMAIN)).to_be_visible()

    def asked(path: str) -> httpx.Response:
        return httpx.get(f"{stack.address}{path}", headers={"host": DOMAIN}, timeout=10)

    until(lambda: asked("/").status_code == 200, "the page on its domain")
    assert f'<link rel="canonical" href="http://{DOMAIN}">' in asked("/").text
    for path in re.findall(r'(?:href|src)="(/[^"#]*)"', asked("/").text):
        assert asked(path).status_code == 200, path
    assert asked("/history").status_code == 200 and asked("/look.css").status_code == 200
    # At Vigil's own address it has its look too: a browser shows nothing there that comes from elsewhere.
    assert '<img class="logo" src="/status/days/logo.png"' in httpx.get(f"{stack.address}/status/days", timeout=10).text
    assert {asked(path).status_code for path in ("/sign-in", "/api/v1/monitors", "/livez", "/status/days")} == {404}
    assert httpx.get(f"{stack.address}/status-domain?domain={DOMAIN}", timeout=10).status_code == 200
