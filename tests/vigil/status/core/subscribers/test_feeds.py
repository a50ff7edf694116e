"""RSS, JSON Feed and the calendar hold what the page says, and are read by other programs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import feedparser
from icalendar import Calendar

from tests.vigil.status.facts import FRAME, NOW, incident, page
from vigil.status.core.document import project
from vigil.status.core.states import UpdateState
from vigil.status.core.subscribers.calendar import maintenance_calendar
from vigil.status.core.subscribers.feeds import json_feed, rss_feed

_PLANNED = (NOW + timedelta(days=1), NOW + timedelta(days=1, hours=2))


def test_each_update_is_an_item_of_rss_the_newest_first() -> None:
    told = incident(UpdateState.INVESTIGATING, UpdateState.RESOLVED, title="Down <&\x01>")
    root = ElementTree.fromstring(rss_feed(page(incidents=[told]), FRAME))
    items = root.findall("channel/item")
    assert [item.findtext("title") for item in items] == ["Resolved: Down <&>", "Investigating: Down <&>"]
    assert len({item.findtext("guid") for item in items}) == 2
    assert (items[0].findtext("pubDate") or "").startswith("Sun, 29 Nov 2026 13:40:00")


def test_feeds_show_what_was_written_as_it_was_meant() -> None:
    told = incident(title="Down")
    told = replace(
        told, updates=[replace(told.updates[0], text="We **look**:\n\n- <b>disks</b>\n- [more](https://a.test)")]
    )
    found = project(page(incidents=[told]), FRAME).files
    read = [feedparser.parse(found[path].plain).entries[0] for path in ("history.rss", "history.atom")]
    texts = [
        read[0].summary,
        read[1].content[0].value,
        json.loads(found["feed.json"].plain)["items"][0]["content_html"],
    ]
    for text in texts:
        assert "<strong>look</strong>" in text and "<li>&lt;b&gt;disks" in text and 'href="https://a.test"' in text


def test_each_incident_is_an_item_of_the_json_feed() -> None:
    feed = json.loads(json_feed(page(incidents=[incident(UpdateState.INVESTIGATING, UpdateState.RESOLVED)]), FRAME))
    assert feed["version"] == "https://jsonfeed.org/version/1.1" and feed["feed_url"].endswith("/feed.json")
    (item,) = feed["items"]
    assert item["date_published"] < item["date_modified"] and item["tags"] == ["Chat API"]
    assert item["content_text"].index("Resolved") < item["content_text"].index("Investigating")


def test_every_feed_has_the_postmortem_and_the_window_of_planned_maintenance() -> None:
    over = incident(UpdateState.INVESTIGATING, UpdateState.RESOLVED, postmortem="A disk was full.", postmortem_at=NOW)
    planned = incident(UpdateState.SCHEDULED, title="New disks", planned=_PLANNED)
    found = project(page(incidents=[over, planned]), FRAME).files
    for path in ("history.atom", "history.rss", "feed.json", "index.md"):
        text = found[path].plain.decode()
        assert "Postmortem" in text and "A disk was full" in text and "Planned from" in text, path
    first = ElementTree.fromstring(found["history.rss"].plain).findall("channel/item")[0]
    assert first.findtext("title") == "Postmortem: Chat API refuses connections"
    assert (first.findtext("guid") or "").endswith("#pin_1-postmortem")


def test_planned_maintenance_is_an_event_and_an_incident_is_none() -> None:
    planned = incident(UpdateState.SCHEDULED, title="New disks", planned=_PLANNED)
    facts = page(incidents=[planned, incident()])
    (event,) = Calendar.from_ical(maintenance_calendar(facts, FRAME)).walk("VEVENT")
    assert (event["summary"], event["uid"]) == ("Acme AI: New disks", "pin_1@vigil")
    assert (event.decoded("dtstart"), event.decoded("dtend")) == _PLANNED
    described = str(event["description"])
    assert "Words of scheduled." in described and "Chat API" in described


def test_planned_work_keeps_the_time_of_its_announcement_however_much_is_said_of_it() -> None:
    planned = incident(UpdateState.SCHEDULED, planned=_PLANNED)
    long_ago = replace(planned, published_at=NOW - timedelta(days=9))
    told = project(page(incidents=[long_ago]), FRAME).files["api/v2/scheduled-maintenances.json"].plain
    assert json.loads(told)["scheduled_maintenances"][0]["created_at"] == "2026-11-20T14:09:00.000Z"
    assert planned.announced_at == planned.updates[0].at


def test_an_event_that_moves_is_newer_for_every_calendar_and_a_name_is_a_name() -> None:
    planned = incident(UpdateState.SCHEDULED, planned=_PLANNED)
    moved = replace(planned, edited_at=NOW + timedelta(hours=1))
    before, after = (
        Calendar.from_ical(maintenance_calendar(page(incidents=[one]), FRAME)).walk("VEVENT")[0]
        for one in (planned, moved)
    )
    assert 3_600 <= int(after.decoded("sequence")) - int(before.decoded("sequence")) < 2**31
    assert after["uid"] == before["uid"] and after.decoded("dtstamp") == moved.edited_at
    for facts in (replace(page(incidents=[planned]), title="Acme, Inc; AI"), replace(page(), title="Acme, Inc; AI")):
        text = maintenance_calendar(facts, FRAME).decode()
        assert "X-WR-CALNAME:Acme\\, Inc\\; AI" in text and len(Calendar.from_ical(text).subcomponents) == 1


def test_the_feeds_are_files_of_the_page_and_the_same_news_have_the_same_bytes() -> None:
    first, again = (project(page(now=NOW + later), FRAME) for later in (timedelta(), timedelta(minutes=1)))
    for path, kind in (("history.rss", "rss"), ("feed.json", "feed+json"), ("maintenance.ics", "calendar")):
        assert kind in first.files[path].content_type and first.files[path].etag == again.files[path].etag
