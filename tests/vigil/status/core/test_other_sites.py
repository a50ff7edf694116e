"""Badges, embeds and texts that other sites and programs take: right, inert, and never good news that is old."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import pytest

from tests.vigil.status.facts import CLOSED, FRAME, NOW, component, incident, page
from vigil.heartbeats.showing import drawn_badges
from vigil.heartbeats.showing.drawn_badges import DrawnBadge, badge_svg
from vigil.read_models.core.shown_states import ShownState
from vigil.status.core.access import PageAccess
from vigil.status.core.answer import STALE, FileRequest, answer_of, as_of
from vigil.status.core.document import project
from vigil.status.core.elsewhere.embeds import lines_to_copy
from vigil.status.core.facts import PageFacts

ODD = '</script><img src=x onerror=alert(1)> & "q" `a` [b](c) *d* | \u2028 \u202e'
WORSE = page(component("Chat API", ShownState.DOWN), component("Console", position=1))

EVERYONE = PageAccess()


def text(path: str, facts: PageFacts = WORSE) -> str:
    return project(facts, FRAME).files[path].plain.decode()


def headers(path: str, access: PageAccess = EVERYONE) -> dict[str, str]:
    found = answer_of(project(replace(WORSE, access=access), FRAME), FileRequest(path), NOW)
    assert found is not None
    return dict(found[1])


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_page_and_each_of_its_components_have_a_badge() -> None:
    svg = ElementTree.fromstring(text("badge.svg"))
    assert svg.get("aria-label") == "Acme AI: Chat API is down" == svg.findtext("{*}title")
    assert json.loads(text("badge.json")) == {
        "schemaVersion": 1, "label": "Acme AI", "message": "Chat API is down", "color": drawn_badges.BAD,
        "isError": True,
    }  # fmt: skip
    assert json.loads(text("badges/com_0.json"))["message"] == "Down"
    console = json.loads(text("badges/com_1.json"))
    assert (console["label"], console["message"], console["isError"]) == ("Console", "Working", False)


@pytest.mark.parametrize("name", ["GOOD", "SLOW", "BAD", "PLANNED", "SILENT", "LABEL"])
def test_white_text_is_readable_on_each_ground_of_a_badge(name: str) -> None:
    assert 1.05 / (luminance(getattr(drawn_badges, name)) + 0.05) >= 4.5


@pytest.mark.parametrize("label", ["i", "WWWWWWWW", "\u72b6\u614b", "e\u0301", "x" * 500, ODD, ""])
def test_a_badge_is_as_wide_as_its_texts_whatever_they_are(label: str) -> None:
    svg = ElementTree.fromstring(badge_svg(DrawnBadge(label, "up", drawn_badges.GOOD)))
    left, right = svg.findall("{*}g/{*}text")
    start, length = float(left.get("x", "")), float(left.get("textLength", ""))
    assert start + length <= float(right.get("x", "")) - 6 and length >= 1
    assert float(right.get("x", "")) + float(right.get("textLength", "")) <= float(svg.get("width", "")) - 6
    assert len(left.text or "") <= drawn_badges.MAX_TEXT


def test_the_frame_is_the_only_document_that_other_sites_may_show_in_theirs() -> None:
    assert "frame-ancestors *" in headers("embed.html")["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers("")["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers("embed.html", access=CLOSED)["Content-Security-Policy"]
    seen = text("embed.html")
    assert "<script" not in seen and "Chat API is down" in seen and 'rel="noopener"' in seen


def test_the_script_of_other_sites_may_be_had_by_them_and_does_what_a_strict_policy_allows() -> None:
    found = headers("embed.js")
    assert found["Access-Control-Allow-Origin"] == "*" and found["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert found["Content-Type"].startswith("text/javascript") and "Access-Control-Allow-Origin" not in headers("")
    script = text("embed.js")
    for word in ("cookie", "innerHTML", "eval", "fetch", "XMLHttpRequest", "localStorage", '"style"', "document.write"):
        assert word not in script


def test_each_line_to_copy_names_a_file_of_the_page_and_lets_no_title_act() -> None:
    files = project(WORSE, FRAME).files
    lines = [text for _, text in lines_to_copy('A & "B" [c]', FRAME.address)]
    assert lines[0].startswith(f'<iframe src="{FRAME.address}/embed.html" title="A &amp; &quot;B&quot; [c]: status" ')
    assert lines[1] == f'<script async src="{FRAME.address}/embed.js"></script>'
    assert lines[3] == rf'[![A & "B" \[c\]: status]({FRAME.address}/badge.svg)]({FRAME.address})'
    named = {one for line in lines for one in re.findall(rf"{re.escape(FRAME.address)}/?([\w./]*)", line)}
    assert named <= files.keys() and len(named) == 6


def test_text_of_people_acts_in_no_badge_embed_or_markdown() -> None:
    facts = page(
        replace(component(ODD), group=ODD), title=ODD, header=f"# {ODD}\n\n- b", incidents=[incident(title=ODD)]
    )
    for path, file in project(facts, FRAME).files.items():
        if file.content_type.startswith("image/svg"):
            ElementTree.fromstring(file.plain)
        # These are text to whatever reads them.
        if not path.endswith((".json", ".ics")):
            assert "<img" not in file.plain.decode().replace("\\<img", ""), path
    script = text("embed.js", facts)
    assert "</script" not in script and "\u2028" not in script
    written = json.loads(script[script.index(", {") + 2 : script.rindex(")")])
    assert written["text"].startswith(f"{ODD}: ")
    told = text("index.md", facts)
    assert r"\[b\](c) \*d\* \| " in told and not re.search(r"(?m)^# <", told) and "\n\n- b\n" in told


def test_the_page_as_markdown_tells_what_the_page_tells() -> None:
    told = text("index.md", replace(WORSE, incidents=[incident()]))
    assert told.startswith("# Acme AI\n\n**Chat API is down.** Changed 29 Nov 2026 14:09 UTC.\n")
    assert "## Open incidents\n\n### Chat API refuses connections\n\nAffects Chat API.\n" in told
    assert "| Chat API |  | Down | 100" in told and "> Words of investigating." in told


def test_each_link_of_llms_txt_is_a_file_of_the_page() -> None:
    files, told = project(WORSE, FRAME).files, text("llms.txt")
    links = re.findall(r"\]\((\S+)\)", told)
    assert {one.removeprefix(FRAME.address).lstrip("/") for one in links} <= files.keys() and len(links) == 10
    assert told.startswith("# Acme AI: status\n\n> ") and "\n## Documents\n\n- [" in told


def test_what_has_not_been_heard_is_no_good_news_on_any_site() -> None:
    made = project(page(), FRAME)
    for path in ("badge.svg", "badge.json", "badges/com_0.svg", "badges/com_0.json", "embed.js", "embed.html"):
        fresh, old = (answer_of(made, FileRequest(path), NOW + age) for age in (timedelta(), STALE * 2))
        assert fresh is not None and old is not None
        assert b"no news" not in fresh[2] and b"no news" in old[2] and b"ork" not in old[2], path
        assert drawn_badges.GOOD.encode() not in old[2] and dict(fresh[1])["ETag"] != dict(old[1])["ETag"]
    for path in ("", "api/v2/status.json", "api/v2/summary.json"):
        old = answer_of(made, FileRequest(path), NOW + STALE * 2)
        assert old is not None and b"Newer facts may be missing." in old[2], path
    # What says no state is not written anew for each reader.
    assert as_of(made, "api/v2/incidents.json", NOW + STALE * 2) is made.files["api/v2/incidents.json"]
    told = answer_of(made, FileRequest("index.md"), NOW + STALE * 2)
    assert told is not None and b"Newer facts may be missing." in told[2]
