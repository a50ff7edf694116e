"""What the pages do under the hand: the order is kept, Back restores, strips and charts are read by keys."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, BrowserContext, Route, StorageState, expect

from tests.browser.stack import Stack
from tests.waiting import until
from vigil.bench.pages.browser import new_context, visit

#: Makes the page think that its tab is hidden, or seen again.
HIDE = """is => {
  for (const [name, value] of [["hidden", is], ["visibilityState", is ? "hidden" : "visible"]]) {
    Object.defineProperty(document, name, { configurable: true, get: () => value });
  }
  document.dispatchEvent(new Event("visibilitychange"));
}"""
FIRST_POINTS_MS = 150_000
#: Who would be told was asked for again.
TOLD_TWICE = "performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/told')).length > 1"
LIVE = re.compile(r"/live\?")


def test_rows_keep_their_order_under_the_hand_until_it_is_asked_for(stack: Stack, desk: BrowserContext) -> None:
    page = visit(desk, f"{stack.address}/").page
    row = page.locator("[data-groups] [data-row]").first
    row.locator("a.name").hover()

    def with_trouble(route: Route) -> None:
        """The next poll as if the row under the pointer were in trouble, and stood first."""
        address = re.sub(r"([?&])v=[^&]*", r"\1v=old", route.request.url)
        answer = route.fetch(url=address)
        text = re.sub(r'id="m-(mon_\w+)"', r'id="m-\1x"', answer.text())
        route.fulfill(response=answer, body=text)

    before = page.locator("[data-groups] [data-row]").evaluate_all("all => all.map((one) => one.id)")
    page.route(LIVE, with_trouble)
    bar = page.locator("[data-reorder]")
    expect(bar).to_be_visible(timeout=10_000)
    expect(bar).to_contain_text(re.compile(r"changed places?\."))
    assert page.locator("[data-groups] [data-row]").evaluate_all("all => all.map((one) => one.id)") == before
    bar.get_by_role("button", name="Reorder").click()
    expect(page.locator(f"#{before[0]}")).to_have_count(0)
    page.unroute(LIVE)


def test_filters_are_the_address_and_back_restores_them(stack: Stack, desk: BrowserContext) -> None:
    page = visit(desk, f"{stack.address}/").page
    page.locator("[data-search]").fill("no such monitor")
    expect(page).to_have_url(re.compile("q=no"))
    expect(page.get_by_text("matches")).to_be_visible()
    page.go_back()
    expect(page.locator(f"#m-{stack.monitor}")).to_be_visible()
    page.go_forward()
    expect(page.get_by_text("matches")).to_be_visible()
    # What is saved as a view is what the address says.
    assert page.locator("[data-views] [name=query]").first.get_attribute("value") == "q=no+such+monitor"
    expect(page.locator("[data-search]")).to_have_value("no such monitor")


def test_a_hidden_page_asks_nothing_and_asks_at_once_when_it_is_seen_again(stack: Stack, desk: BrowserContext) -> None:
    seen = visit(desk)
    page, asked = seen.page, []
    page.on("request", lambda request: asked.append(request.url) if LIVE.search(request.url) else None)
    page.clock.install()
    seen.go(f"{stack.address}/")
    with page.expect_request(LIVE):
        page.clock.run_for(6_000)
    page.wait_for_load_state("networkidle")
    page.evaluate(HIDE, True)
    asked.clear()
    page.clock.run_for(60_000)
    assert asked == []
    with page.expect_request(LIVE):
        page.evaluate(HIDE, False)


def test_ninety_days_are_one_tab_stop_that_is_read_by_keys(stack: Stack, desk: BrowserContext) -> None:
    seen = visit(desk, f"{stack.address}/monitors/{stack.monitor}")
    page = seen.page
    days = page.locator("[data-strip]").get_by_role("slider")
    expect(days).to_have_count(1)
    days.focus()
    now = int(days.get_attribute("aria-valuenow") or 0)
    for key, place in (("ArrowLeft", now - 1), ("PageUp", now - 8), ("Home", 1), ("End", now), ("PageDown", now)):
        page.keyboard.press(key)
        expect(days).to_have_attribute("aria-valuenow", str(place))
    expect(days).to_have_attribute("aria-valuetext", re.compile(r"^\d+ \w{3} \d{4}, "))
    expect(page.locator("[data-strip] output")).to_contain_text("Open ")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/days/\d{4}-\d\d-\d\d$"))
    page.go_back()
    expect(page.get_by_role("link", name="Every day")).to_be_visible()
    assert seen.problems == []


def test_latency_is_read_point_by_point_by_keys(stack: Stack, desk: BrowserContext) -> None:
    page = visit(desk, f"{stack.address}/monitors/{stack.monitor}?range=1h").page
    points = page.locator(".chart").get_by_role("slider")
    # The first points of a stack that has just begun are written some seconds later.
    expect(points).to_be_visible(timeout=FIRST_POINTS_MS)
    points.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".chart output")).to_contain_text(re.compile(r"\d\d:\d\d UTC: "))
    page.get_by_text("As a table").click()
    expect(page.locator(".chart table")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("CSV"))).to_be_visible()


def test_an_open_page_gets_its_first_chart_and_day_by_itself(stack: Stack, desk: BrowserContext) -> None:
    seen = visit(desk)
    page = seen.page

    def of_before(route: Route) -> None:
        """The page as it was while its newest day was another."""
        answer = route.fetch()
        route.fulfill(response=answer, body=re.sub(r'data-runs="[^"]*"', 'data-runs="89p1d"', answer.text()))

    here = f"{stack.address}/monitors/{stack.monitor}"
    page.route("**/latency.json*", lambda route: route.fulfill(json={"t": []}), times=1)
    page.route(f"{here}?range=1h", of_before, times=1)
    seen.go(f"{here}?range=1h")
    expect(page.get_by_text("No answer in this range.")).to_be_visible()
    page.evaluate("window.is_still_here = true")
    expect(page.locator(".chart").get_by_role("slider")).to_be_visible(timeout=FIRST_POINTS_MS)
    expect(page.get_by_text("No answer in this range.")).to_be_hidden()
    page.evaluate('document.dispatchEvent(new Event("vigil:refresh"))')
    expect(page.locator("[data-strip]")).not_to_have_attribute("data-runs", "89p1d", timeout=30_000)
    expect(page.locator("[data-strip]").get_by_role("slider")).to_have_count(1)
    # The page's policy forbids the browser to look again by itself, which would evaluate a text.
    until(lambda: page.evaluate(TOLD_TWICE), "who would be told to be asked for again")
    assert page.evaluate("window.is_still_here"), "and was not loaded anew"


def test_the_keys_are_told_and_motion_can_be_less(stack: Stack, browser: Browser, session: StorageState) -> None:
    with new_context(browser, storage_state=session, reduced_motion="reduce") as context:
        page = visit(context, f"{stack.address}/").page
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_contain_text("Ctrl")
        page.keyboard.press("Escape")
        quick = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--quick')")
        assert quick.strip() in ("0ms", "0s")
