"""A stranger on a phone without a script subscribes, confirms by the letter, is told, and leaves by the letter."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.stack import Stack
from tests.waiting import until
from vigil.bench.pages.browser import PHONE, new_context, visit
from vigil.demo.mail_receiver import MailReceiver

_READER = "reader@example.test"


def test_a_stranger_subscribes_is_told_of_an_update_and_leaves(
    stack: Stack, mail: MailReceiver, browser: Browser, desk: BrowserContext
) -> None:
    seen = visit(desk, f"{stack.address}/settings/status-pages/new")
    seen.page.get_by_label("Title").fill("Mailed AI")
    seen.page.get_by_label("Address").fill("mailed")
    seen.page.get_by_role("button", name="Save the status page").last.click()
    expect(seen.page.locator("a[href='/status/mailed']")).to_be_visible()
    with new_context(browser, PHONE, java_script_enabled=False) as stranger:
        read = visit(stranger)
        address = f"{stack.address}/status/mailed"
        until(lambda: stranger.request.get(address).status == 200, "the page")
        read.page.goto(address)
        read.page.get_by_role("link", name="Subscribe").click()
        read.page.get_by_label("E-mail address").fill(_READER)
        read.page.get_by_role("button", name="Subscribe").click()
        expect(read.page.get_by_role("status")).to_contain_text("within a minute")
        read.go(_link(mail, "Confirm"))
        read.page.get_by_role("button", name="Confirm").click()
        expect(read.page.get_by_role("heading")).to_contain_text("You are told of updates of Mailed AI")
        _publish(seen.page.locator("body").get_attribute("data-csrf") or "", stack, desk)
        read.go(_link(mail, "Unsubscribe"))
        read.page.get_by_role("button", name="Unsubscribe").click()
        expect(read.page.get_by_role("heading")).to_have_text("You are unsubscribed")
        assert read.problems == []
    with new_context(browser, (320, PHONE[1])) as narrow:
        form = visit(narrow, f"{stack.address}/status/mailed/subscribe")
        assert (form.violations(), form.problems, form.scrolls_sideways()) == ([], [], False)
    seen.go(f"{stack.address}/settings/status-pages")
    seen.page.get_by_role("link", name="Subscribers of Mailed AI").click()
    expect(seen.page.get_by_role("heading", name="0 subscribers of Mailed AI")).to_be_visible()
    assert (seen.violations(), seen.problems) == ([], [])


def _link(mail: MailReceiver, words: str) -> str:
    """The link behind these words in a letter, once it has come."""
    found: list[str] = []

    def came() -> bool:
        texts = [letter.get_body(("plain",)) for letter in mail.letters(_READER)]
        for text in texts:
            found.extend(re.findall(rf"(?m)^{words}: (\S+)", text.get_content() if text is not None else ""))
        return bool(found)

    until(came, f"a letter with {words}", 60)
    return found[-1]


def _publish(token: str, stack: Stack, desk: BrowserContext) -> None:
    headers = {"X-CSRFToken": token, "Referer": stack.address}
    pages = desk.request.get(f"{stack.address}/api/v1/status-pages").json()["results"]
    (page,) = [one["id"] for one in pages if one["slug"] == "mailed"]
    told = {"page": page, "title": "Chat is slow", "text": "We are looking into it."}
    answer = desk.request.post(f"{stack.address}/api/v1/public-incidents", data=told, headers=headers)
    assert answer.status == 201, answer.text()
