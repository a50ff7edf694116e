"""Every format is read from the shape it is published in, whatever was expected; hostile ones are refused in a line."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.vigil.feeds import shapes
from tests.vigil.feeds.shapes import NOW
from vigil.feeds.core.catalogue import SOURCES
from vigil.feeds.core.page import POSTS_MOST, TITLE_LIMIT, FeedUnreadable, declared, instant_of
from vigil.feeds.formats import parse
from vigil.monitors.core.providers import PROVIDERS


def said(body: bytes, *about: str) -> list[str]:
    return [post.title for post in declared(parse(body, NOW)[1], about)]


DAY = "Sun, 01 Mar 2026 11:30:00 GMT"

CASES = [
    ("statuspage", shapes.statuspage(), []),
    ("statuspage", shapes.statuspage(shapes.incident()), ["Elevated error rates"]),
    ("statuspage", shapes.statuspage(shapes.incident(status="resolved")), []),
    ("statuspage", shapes.statuspage(shapes.incident(status="postmortem")), []),
    ("statuspage", shapes.statuspage(planned=1), []),
    ("statuspage", shapes.statuspage(api="under_maintenance"), []),
    # The page calls itself well while a component is not: the component counts.
    ("statuspage", shapes.statuspage(api="partial_outage"), ["Example API (api.example.com): outage"]),
    ("statuspage", shapes.statuspage(api="degraded_performance"), ["Example API (api.example.com): degraded"]),
    ("betterstack", shapes.betterstack(report=False), []),
    ("betterstack", shapes.betterstack(), ["Slow answers"]),
    ("betterstack", shapes.betterstack(ends_at="2026-03-01T11:50:00Z"), []),
    ("betterstack", shapes.betterstack("downtime", report=False), ["Serverless API: outage"]),
    ("instatus", shapes.instatus(), ["API errors"]),
    ("instatus", shapes.instatus("UP"), []),
    ("google", shapes.google(), ["Raised latency"]),
    ("google", shapes.google(end="2026-03-01T11:50:00+00:00"), []),
    ("aws", shapes.aws(), ["Increased error rates (N. Virginia)"]),
    ("aws", shapes.aws("0"), []),
    ("checkly", shapes.checkly("Completions are slow"), ["Completions are slow"]),
    ("rss", shapes.rss(), []),
    ("rss", shapes.rss(("Errors in eu", "Investigating - we look", DAY)), ["Errors in eu"]),
    ("rss", shapes.rss(("Errors in eu", "Resolved - it is over", DAY)), []),
    ("rss", shapes.rss(("Service is operating normally: errors", "x", DAY)), []),
    ("rss", shapes.rss(("Scheduled maintenance of the API", "x", DAY)), []),
    ("rss", shapes.rss(("Errors", "Investigating", "Thu, 26 Feb 2026 11:30:00 GMT")), []),
    ("rss", shapes.atom("Errors", "Investigating", "2026-03-01T11:40:00Z"), ["Errors"]),
    ("rss", shapes.atom("Errors", "&lt;b&gt;Resolved&lt;/b&gt;", "2026-03-01T11:40:00Z"), []),
]


@pytest.mark.parametrize(("format", "body", "titles"), CASES)
def test_what_a_page_declares_is_read(format: str, body: bytes, titles: list[str]) -> None:
    assert (parse(body, NOW)[0], said(body)) == (format, titles)


def test_an_empty_list_is_a_page_with_nothing_on_it() -> None:
    assert said(b"[]") == []


def test_only_what_is_about_the_api_counts() -> None:
    assert said(shapes.statuspage(chat="major_outage"), "api") == []
    assert said(shapes.statuspage(api="major_outage"), "api") == ["Example API (api.example.com): outage"]
    assert said(shapes.statuspage(shapes.incident(on="Chat page")), "api") == []
    # One that names no component may be about any.
    assert said(shapes.statuspage(shapes.incident()), "api") == ["Elevated error rates"]


def test_when_it_was_created_counts_and_not_when_it_is_said_to_have_begun() -> None:
    (post,) = declared(parse(shapes.statuspage(shapes.incident()), NOW)[1], ())
    assert post.created == datetime(2026, 3, 1, 11, 50, tzinfo=UTC)


BOMB = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<rss><channel><item><title>&b;</title></item></channel></rss>"""
FILE = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<rss><channel><item><title>&x;</title></item></channel></rss>"""


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "neither JSON nor XML"),
        (b"plain words", "neither JSON nor XML"),
        (b"{", "neither JSON nor XML"),
        (b"null", "that is not a status page"),
        (b'{"hello": 1}', "that is not a status page"),
        (b'{"components": [{"name": 7}]}', "looks like statuspage"),
        (b'{"components": [7]}', "looks like statuspage"),
        (b'{"data": {"attributes": {"aggregate_state": []}}}', "looks like betterstack"),
        (b'[{"id": [], "begin": 1, "external_desc": 2}]', "looks like google"),
        (b"[" * 500_000, "neither JSON nor XML"),
        (b'{"components":' * 100_000, "neither JSON nor XML"),
        (b"\xff\xfe\x00", "not utf-16 text"),
        (b"\x80\x81", "not utf-8 text"),
        (b"<html><body>Login</body></html>", "neither RSS nor Atom"),
        (b"<rss><channel><item>", "not well formed"),
        (b"<a>" * 100_000, "nested too deeply"),
        (BOMB, "declaring its own entities"),
        (BOMB.decode().encode("utf-16"), "declaring its own entities"),
        (FILE, "declaring its own entities"),
    ],
)
def test_what_is_no_status_page_is_refused_in_one_line(body: bytes, problem: str) -> None:
    with pytest.raises(FeedUnreadable, match=problem) as refused:
        parse(body, NOW)
    assert "\n" not in str(refused.value) and len(str(refused.value)) < 100


def test_a_page_of_thousands_is_cut() -> None:
    many = shapes.statuspage(*(shapes.incident(f"i{n}") for n in range(5_000)))
    assert len(said(many)) == POSTS_MOST
    assert len(said(shapes.rss(*[("Errors", "x", DAY)] * 5_000))) == POSTS_MOST


def test_text_is_one_line_without_control_characters_and_bounded() -> None:
    name = "<script>alert(1)</script>\u202egnp.exe\x00\x1b[31m\n\n<!channel> " + "x" * 5_000
    (title,) = said(shapes.statuspage(shapes.incident(name=name)))
    assert len(title) == TITLE_LIMIT and title.startswith("<script>alert(1)</script>gnp.exe[31m <!channel> x")
    (post,) = declared(parse(shapes.statuspage(shapes.incident(id="y" * 9_999)), NOW)[1], ())
    assert post.id.startswith("sha256:") and len(post.id) < 60


@pytest.mark.parametrize(
    "text", ["", "yesterday", "99999999999999999", "9" * 5_000, "0000-00-00", "Sun, 99 Mar 2026", None, [], "2026-"]
)
def test_a_time_that_is_none_is_none(text: object) -> None:
    assert instant_of(text) is None


def test_every_source_is_of_a_known_provider_and_speaks_https() -> None:
    assert set(SOURCES) <= set(PROVIDERS)
    assert all(source.url.startswith("https://") for source in SOURCES.values())
    assert all(word == word.lower() for source in SOURCES.values() for word in source.about)
    assert {"openai", "anthropic", "cohere", "groq"} <= {key for key, source in SOURCES.items() if source.vouched}


def test_json_that_only_looks_like_a_list_is_refused() -> None:
    with pytest.raises(FeedUnreadable):
        parse(json.dumps(["a", "b"]).encode(), NOW)


def items(*told: tuple[str, str, str]) -> bytes:
    """RSS with guid, title and hour (PST) of each item."""
    rows = "".join(
        f"<item><guid>{guid}</guid><title>{title}</title><pubDate>Sun, 01 Mar 2026 {hour}:00 PST</pubDate></item>"
        for guid, title, hour in told
    )
    return f"<rss><channel>{rows}</channel></rss>".encode()


AT_ONE = datetime(2026, 3, 1, 21, tzinfo=UTC)
RESOLVED, BEGUN = "[RESOLVED] Increased error rates", "Increased error rates"


@pytest.mark.parametrize(
    ("feed", "open_titles"),
    [
        (items(("https://s/#x_2", RESOLVED, "12:00"), ("https://s/#x_1", BEGUN, "10:00")), []),
        (items(("https://s/#x_1", BEGUN, "10:00"), ("https://s/#x_2", RESOLVED, "12:00")), []),
        (items(("https://s/#x_2", "Resolved", "12:00"), ("https://s/#x_1", BEGUN, "10:00")), []),
        # It began again: the later word is open.
        (items(("https://s/#x_3", BEGUN, "12:30"), ("https://s/#x_2", RESOLVED, "12:00")), [BEGUN]),
        # The number is a time, and of the service: the title says which event.
        (items(("https://s/#ec2_1772395200", RESOLVED, "12:00"), ("https://s/#ec2_1772388000", BEGUN, "10:00")), []),
        (items(("https://s/#ec2_1772395200", RESOLVED, "12:00"), ("https://s/#ec2_1772388000", "No power", "10:00")),
         ["No power"]),
        # Events of their own, with the same title.
        (items(("https://s/a", BEGUN, "12:00"), ("https://s/b", BEGUN, "10:00")), [BEGUN, BEGUN]),
    ],
)  # fmt: skip
def test_b2_22_a_later_word_about_an_event_ends_the_earlier(feed: bytes, open_titles: list[str]) -> None:
    page = parse(feed, AT_ONE)[1]
    assert [post.title for post in declared(page, ())] == open_titles


def test_b2_22_an_item_that_is_not_yet_resolved_is_open() -> None:
    text = "we are investigating, this is not yet resolved; some requests are not completed"
    assert said(shapes.rss((f"{BEGUN}: {text}", "", DAY))) == [f"{BEGUN}: {text}"]
    assert said(shapes.rss((BEGUN, text, DAY))) == [BEGUN]


def test_b2_22_an_incident_that_was_resolved_is_over_whatever_its_state_says() -> None:
    ended = {**shapes.incident(status="monitoring"), "resolved_at": "2026-03-01T11:50:00Z"}
    assert said(shapes.statuspage(ended)) == []
    assert said(shapes.statuspage(shapes.incident(status="Resolved"))) == []
