"""An operator makes, finds and pauses a monitor in the admin of a running installation, and writes no JSON."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, expect

from tests.browser.stack import Stack
from vigil.bench.pages.browser import visit


def test_an_operator_makes_finds_and_pauses_a_monitor(stack: Stack, desk: BrowserContext) -> None:
    made = visit(desk, f"{stack.address}/admin/monitors/monitor/add/")
    page = made.page
    page.get_by_role("link", name="Address (HTTP)").click()
    page.get_by_label("Name:", exact=True).fill("Made by hand")
    page.get_by_label("Address:").fill("https://by-hand.example.test/health")
    page.get_by_label("Interval s:").fill("86400")
    page.get_by_label("Add an assertion:").select_option(label="JSON path")
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("textbox", name="JSON path:").fill("$.ok")
    page.get_by_role("textbox", name="Equals:").fill("true")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_role("textbox", name="JSON path:")).to_have_value("$.ok")

    page.goto(f"{stack.address}/admin/monitors/monitor/?q=Made+by+hand")
    page.locator(".searched-filter .select2").first.click()
    page.locator(".select2-results__option", has_text="eu-west").click()
    page.locator(".searched-filter button").first.click()
    page.get_by_label("Select this object for an action").check()
    page.get_by_label("Action:").select_option(label="Pause")
    page.get_by_role("button", name="Go").click()
    expect(page.locator(".field-status")).to_have_text("paused")
    assert made.problems == []
