"""One thing of each kind is made through its form, by the keyboard's fields, and is then on its page."""

from __future__ import annotations

import re
from collections.abc import Mapping

from playwright.sync_api import BrowserContext, Page, expect

from probes.probers import PROBERS
from tests.browser.stack import Stack
from tests.vigil.web.pages.monitor_forms.test_monitor_forms import KINDS
from vigil.bench.pages.browser import Visit, visit


def fill(page: Page, fields: Mapping[str, str]) -> None:
    """Give each field its value as a person does; what is folded away is opened first."""
    for name, value in fields.items():
        field = page.locator(f'#edit [name="{name}"]').first
        if not field.is_visible():
            page.locator("#edit details.more").filter(has=page.locator(f'[name="{name}"]')).locator(
                "summary"
            ).first.click()
        if field.get_attribute("type") == "checkbox":
            field.check()
        elif field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)


def made(seen: Visit, address: str, fields: Mapping[str, str]) -> str:
    """Fill the form and send it; the address of what it made, on whose page its name stands."""
    seen.go(address)
    page = seen.page
    fill(page, fields)
    page.locator("#edit .main-act").click()
    if "config.monthly_budget" in fields:
        # What it costs is shown before anything is saved.
        expect(page.get_by_role("heading", name="What it costs")).to_be_visible()
        page.locator("#edit .main-act").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(fields["name"])
    assert not page.locator(".err").count()
    return page.url


def delete(seen: Visit, address: str) -> None:
    """Delete it by its own page, before it can be down for long enough to be told."""
    seen.go(f"{address}/delete")
    seen.page.locator("main form").get_by_role("button").last.click()
    expect(seen.page).not_to_have_url(re.compile("/delete$"))


def test_a_monitor_of_each_kind_is_made_through_its_form(stack: Stack, desk: BrowserContext) -> None:
    seen = visit(desk)
    assert KINDS.keys() == PROBERS.keys()
    for kind, (typed, _) in KINDS.items():
        fields = {"name": f"A {kind} of the form", **typed}
        address = made(seen, f"{stack.address}/monitors/new?kind={kind}", fields)
        assert re.search(r"/monitors/mon_\w+$", address), kind
        expect(seen.page.locator(".facts-line")).to_contain_text(kind, ignore_case=True)
        seen.go(f"{address}/edit")
        for name, value in fields.items():
            kept = seen.page.locator(f'#edit [name="{name}"]').first
            assert kept.is_checked() if value == "on" else kept.input_value() == value, (kind, name)
        delete(seen, address)
    assert seen.problems == []


def test_a_heartbeat_and_a_composite_are_made_through_their_forms(stack: Stack, desk: BrowserContext) -> None:
    seen = visit(desk)
    nightly = made(seen, f"{stack.address}/heartbeats/new", {"name": "Nightly of the form"})
    assert re.search(r"/heartbeats/mon_\w+$", nightly)
    page = seen.page
    seen.go(f"{stack.address}/composites/new")
    fill(page, {"name": "Both of the form", "rule": "all"})
    for member in page.locator(".offers button").all_inner_texts()[:2]:
        page.get_by_role("button", name=member, exact=True).click()
    expect(page.locator("#edit fieldset.slim")).to_have_count(2)
    page.locator("#edit .main-act").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Both of the form")
    both = page.url
    for address in (both, nightly.replace("/heartbeats/", "/monitors/")):
        delete(seen, address)
    assert seen.problems == []
