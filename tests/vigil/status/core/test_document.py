"""A status page is made from facts alone: the same facts give the same bytes, for people and for programs."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import brotli  # type: ignore[import-untyped]
import pytest

from tests.vigil.status.facts import CLOSED, FRAME, NOW, component, down_for, incident, page
from vigil.feeds.core.page import ComponentState
from vigil.feeds.formats import statuspage
from vigil.read_models.core.shown_states import ShownState
from vigil.status.core.answer import FileRequest, answer_of, split_path
from vigil.status.core.document import FILE_MOST, PublishedPage, project
from vigil.status.core.facts import PageFacts
from vigil.status.core.states import PublicImpact, PublicState, UpdateState, measured

_ATOM = "{http://www.w3.org/2005/Atom}"


def html(facts: PageFacts) -> str:
    return project(facts, FRAME).files[""].plain.decode()


def document(facts: PageFacts, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(project(facts, FRAME).files[f"api/v2/{name}.json"].plain)
    return found


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        ([ShownState.UP], PublicState.OPERATIONAL),
        ([ShownState.UP, ShownState.UP], PublicState.OPERATIONAL),
        ([ShownState.DOWN], PublicState.MAJOR_OUTAGE),
        ([ShownState.DOWN, ShownState.DOWN], PublicState.MAJOR_OUTAGE),
        ([ShownState.DOWN, ShownState.UP], PublicState.PARTIAL_OUTAGE),
        ([ShownState.DOWN, ShownState.PAUSED], PublicState.MAJOR_OUTAGE),
        ([ShownState.DEGRADED, ShownState.MAINTENANCE], PublicState.DEGRADED),
        ([ShownState.UNKNOWN], PublicState.NOT_MEASURED),
        ([ShownState.NEW, ShownState.UP], PublicState.OPERATIONAL),
        ([], PublicState.NOT_MEASURED),
    ],
)
def test_a_component_is_down_as_a_whole_only_where_all_that_is_measured_is(
    shown: list[ShownState], state: PublicState
) -> None:
    assert measured(shown) is state


def test_the_banner_names_what_is_down_and_says_how_much_is_affected() -> None:
    chat, console = component("Chat API", ShownState.DOWN), component("Console", position=1)
    seen = html(page(chat, console))
    assert "<h1><bdi>Chat API is down</bdi></h1>" in seen and "1 of 2 services is affected." in seen
    assert "All services work" in html(page(component(), console))
    assert "All services that are measured work" in html(page(component("New", ShownState.NEW), console))
    assert "Nothing is measured yet" in html(page(component("New", ShownState.NEW)))


def test_an_open_incident_is_told_and_makes_what_it_affects_worse_than_measured() -> None:
    facts = page(component(), component("Console", position=1), incidents=[incident(UpdateState.IDENTIFIED)])
    seen = html(facts)
    assert facts.state_of(facts.components[0]) is PublicState.PARTIAL_OUTAGE
    assert facts.state_of(facts.components[1]) is PublicState.OPERATIONAL
    assert "Chat API refuses connections" in seen and "Words of identified." in seen and "Affects <bdi>Chat API" in seen
    over = replace(facts, incidents=[incident(UpdateState.IDENTIFIED, UpdateState.RESOLVED)])
    assert over.state is PublicState.OPERATIONAL and "<b>Resolved</b>" in html(over)


def test_uptime_follows_the_rule_that_is_printed() -> None:
    seen = html(page(down_for(component(), timedelta(hours=1))))
    seconds = 89 * 86_400 + 14 * 3600 + 9 * 60
    share = f"{int((seconds - 3600) / seconds * 10_000) / 100:.2f}"
    assert f"last 90 days: {share}\u202f% up" in seen and "the last 90 days that was not down" in seen
    assert "Times in UTC" in seen and '<path class="d"' in seen


def test_a_full_page_fits_in_its_budget_and_needs_no_script() -> None:
    names = [f"Service {number} of the {group} group" for number in range(25) for group in ("first", "second")]
    parts = [
        replace(component(name, group=name.split()[-2], position=place), description=f"What {name} does for people.")
        for place, name in enumerate(names)
    ]
    said = [replace(incident(*UpdateState), id=f"pin_{number}") for number in range(10)]
    found = project(page(*parts, incidents=said), FRAME).files[""]
    # The style sheet and the sprite are 10 kB more.
    assert len(found.gzipped) < 8_000 and gzip.decompress(found.gzipped) == found.plain
    text = found.plain.decode()
    assert "<script" not in text and " style=" not in text and not re.search(r"\son\w+=", text)


def test_text_of_people_is_shown_and_never_active() -> None:
    odd = '<img src=x onerror=alert(1)> & "quotes"'
    facts = page(
        replace(component(odd), description=odd), title=odd, header=f"{odd}\n\nsecond", footer=odd,
        incidents=[incident(title=odd)],
    )  # fmt: skip
    seen = html(facts)
    assert "<img" not in seen and "&lt;img" in seen
    feed = project(facts, FRAME).files["history.atom"].plain
    assert ElementTree.fromstring(feed).findtext(f"{_ATOM}entry/{_ATOM}title") == odd


def test_our_own_reader_of_statuspage_follows_it() -> None:
    facts = page(component("Chat API", ShownState.DOWN), component("Console", position=1), incidents=[incident()])
    read = statuspage.read(document(facts, "summary"))
    assert [(one.name, one.state) for one in read.components] == [
        ("Chat API", ComponentState.DOWN), ("Console", ComponentState.WELL),
    ]  # fmt: skip
    assert len(read.posts) == 1
    assert document(facts, "status")["status"] == {"indicator": "critical", "description": "Chat API is down"}
    assert document(facts, "incidents")["incidents"]
    over = replace(facts, incidents=[incident(UpdateState.RESOLVED, impact=PublicImpact.MINOR)])
    assert document(over, "summary")["incidents"] == [] and document(over, "incidents")["incidents"]


def test_the_feed_is_atom_with_an_entry_for_each_incident() -> None:
    facts = page(incidents=[incident(UpdateState.INVESTIGATING, UpdateState.RESOLVED, title="a\x00b")])
    feed = ElementTree.fromstring(project(facts, FRAME).files["history.atom"].plain)
    entry = feed.find(f"{_ATOM}entry")
    assert entry is not None and entry.findtext(f"{_ATOM}title") == "ab"
    said = entry.findtext(f"{_ATOM}content") or ""
    assert "<strong>Resolved</strong></p>\n<p>Words of resolved.</p>" in said
    assert feed.findtext(f"{_ATOM}updated") == "2026-11-29T14:09:00.000Z"


def test_what_shows_the_same_keeps_its_bytes_and_its_time_of_change() -> None:
    first = project(page(), FRAME)
    later = NOW + timedelta(minutes=1)
    again = project(page(now=later, changed_at=later, heard_at=later), FRAME, first)
    assert (again.files, again.changed_at, again.heard_at) == (first.files, NOW, later)
    worse = project(page(component("Chat API", ShownState.DOWN), now=later, changed_at=later), FRAME, first)
    assert worse.changed_at == later and worse.files[""].etag != first.files[""].etag


def test_the_time_of_change_is_that_of_what_is_said_and_not_of_figures_that_move() -> None:
    first, later = project(page(), FRAME), NOW + timedelta(minutes=1)
    moved = page(down_for(component(), timedelta(hours=1)), now=later)
    again = project(moved, FRAME, first)
    assert again.changed_at == NOW and again.files[""].etag != first.files[""].etag
    dated = NOW + timedelta(seconds=20)
    renamed = project(page(title="Acme Cloud", now=later, changed_at=dated), FRAME, again)
    assert renamed.changed_at == dated == project(page(now=later, changed_at=dated), FRAME).changed_at
    # What no row dates, such as the end of maintenance, is of now.
    assert project(page(component("Chat API", ShownState.PAUSED), now=later), FRAME, first).changed_at == later


def made(**more: object) -> PublishedPage:
    return project(page(**more), FRAME)


def test_a_file_is_answered_with_a_tag_compressed_where_it_is_wanted_and_304_where_it_is_known() -> None:
    published = made()
    first = answer_of(published, FileRequest("", accept_encoding="gzip"), NOW)
    assert first is not None
    headers = dict(first[1])
    assert first[0] == 200 and headers["Content-Encoding"] == "gzip" and "public" in headers["Cache-Control"]
    assert gzip.decompress(first[2]) == published.files[""].plain and headers["Vary"] == "Accept-Encoding"
    plain = answer_of(published, FileRequest("", accept_encoding="gzip;q=0"), NOW)
    assert plain is not None and plain[2] == published.files[""].plain
    known = answer_of(published, FileRequest("", if_none_match=f'"other", {headers["ETag"]}'), NOW)
    assert known is not None and (known[0], known[2]) == (304, b"")
    assert answer_of(published, FileRequest("api/v2/nothing.json"), NOW) is None
    feed = answer_of(published, FileRequest("api/v2/summary.json"), NOW)
    assert feed is not None and dict(feed[1])["Access-Control-Allow-Origin"] == "*"
    assert split_path("/status/acme/api/v2/summary.json") == ("acme", "api/v2/summary.json")
    assert split_path("/status/acme.md") == split_path("/status/acme/index.md") == ("acme", "index.md")


@pytest.mark.parametrize(
    ("accepts", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"), ("br;q=0, gzip", "gzip"), ("*", "br"), ("*, br;q=0", "gzip"),
        ("gzip;q=0, *", "br"), ("BR;Q=0.5", "br"), ("identity", ""), ("", ""), ("br;q=0.000, gzip; q=0", ""),
        ("br;q=0.1, gzip", "gzip"), ("gzip;q=0.5, br;q=0.5", "br"), ("identity, gzip;q=0.5", ""),
        ("gzip, identity", "gzip"),
        ("gzip;q=1.0, identity;q=0.5, *;q=0", "gzip"), ("br; q = 0.2, gzip ; q=0.9", "gzip"), ("gzip;q=x", "gzip"),
    ],
)  # fmt: skip
def test_a_file_comes_in_the_coding_that_is_wanted_most_or_the_shortest(accepts: str, coding: str) -> None:
    published = made()
    found = answer_of(published, FileRequest("", accept_encoding=accepts), NOW)
    assert found is not None and dict(found[1]).get("Content-Encoding", "") == coding
    read = {"br": brotli.decompress, "gzip": gzip.decompress}.get(coding, bytes)
    assert read(found[2]) == published.files[""].plain


def test_a_small_file_comes_as_it_is_and_one_that_stays_is_not_made_again() -> None:
    published = made()
    small = answer_of(published, FileRequest("badge.svg", accept_encoding="br"), NOW)
    assert small is not None and "Content-Encoding" not in dict(small[1])
    again = project(page(), FRAME, published)
    assert all(again.files[path] is file for path, file in published.files.items())
    assert all(again.unheard[path] is file for path, file in published.unheard.items())


def test_a_page_behind_a_password_is_kept_by_no_cache() -> None:
    found = answer_of(made(access=CLOSED), FileRequest("api/v2/summary.json"), NOW)
    assert found is not None
    headers = dict(found[1])
    assert headers["Cache-Control"] == "private, no-cache" and "Cookie" in headers["Vary"]
    assert "Access-Control-Allow-Origin" not in headers


def test_a_page_whose_source_is_silent_says_since_when() -> None:
    fresh = answer_of(made(), FileRequest(""), NOW + timedelta(minutes=2))
    old = answer_of(made(), FileRequest(""), NOW + timedelta(minutes=4))
    assert fresh is not None and old is not None
    assert b"Newer facts may be missing" not in fresh[2]
    assert b"Last updated 29 Nov 2026 14:09 UTC. Newer facts may be missing." in old[2]
    assert dict(fresh[1])["ETag"] != dict(old[1])["ETag"]


def test_a_document_for_programs_says_that_it_is_old_too() -> None:
    for name in ("summary", "status"):
        old = answer_of(made(), FileRequest(f"api/v2/{name}.json"), NOW + timedelta(minutes=4))
        assert old is not None
        status = json.loads(old[2])["status"]
        assert status["description"] == (
            "All services work. Last updated 29 Nov 2026 14:09 UTC. Newer facts may be missing."
        )
        assert status["indicator"] == "none" and int(dict(old[1])["Content-Length"]) == len(old[2])
    without = answer_of(made(), FileRequest("api/v2/components.json"), NOW + timedelta(minutes=4))
    assert without is not None and without[2] == made().files["api/v2/components.json"].plain


def test_a_page_that_would_be_too_large_tells_the_newest_update_of_each_incident() -> None:
    said = incident(UpdateState.INVESTIGATING, *[UpdateState.IDENTIFIED] * 18, UpdateState.MONITORING)
    long = [replace(one, text=f"{one.text} {'x' * 4_900}") for one in said.updates]
    many = [replace(said, id=f"pin_{number}", updates=long) for number in range(50)]
    found = project(page(incidents=many), FRAME)
    assert max(len(file.plain) for file in found.files.values()) <= FILE_MOST
    text = found.files[""].plain.decode()
    assert text.count("Words of monitoring.") == 50 and "Words of identified." not in text
