"""A component may show its response times, and what stands behind it, in its own words and where that explains it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from tests.vigil.status.facts import FRAME, NOW, component, page
from vigil.read_models.core.shown_states import ShownState
from vigil.status.core.document import project
from vigil.status.core.facts import DeclaredPost, PageFacts, ProviderFacts
from vigil.status.core.history.latency import latency_chart
from vigil.status.core.history.year import year_of
from vigil.status.core.languages import LANGUAGES

ENGLISH = LANGUAGES["en"]


def html(facts: PageFacts) -> str:
    return project(facts, FRAME).files[""].plain.decode()


def test_what_a_provider_declares_is_quoted_with_a_link_while_the_component_is_in_trouble() -> None:
    posts = [DeclaredPost("Elevated <b>errors</b> {title}", NOW - timedelta(minutes=12))]
    behind = ProviderFacts("OpenAI", "https://status.openai.com/", posts)
    down = replace(component("Chat", ShownState.DOWN), provider=behind)
    seen = html(page(down))
    assert (
        '<a href="https://status.openai.com/" rel="nofollow noopener noreferrer"><bdi>OpenAI</bdi></a> reports:' in seen
    )
    assert "Elevated &lt;b&gt;errors&lt;/b&gt; {title}" in seen and "since 29 Nov 2026 13:57 UTC" in seen
    assert "OpenAI" not in html(page(replace(component("Chat"), provider=behind)))
    assert "OpenAI" not in html(page(replace(down, provider=replace(behind, posts=()))))
    assert "OpenAI</bdi></a> meldet:" in html(page(down, language="de"))


def test_response_times_are_drawn_by_day_with_their_gaps_and_said_in_words() -> None:
    days: list[float | None] = [None] * 90
    days[0], days[1], days[3], days[89] = 100.0, 200.0, 400.0, 2_500.0
    chart = latency_chart(days, ENGLISH)
    assert re.findall(r'points="([^"]*)"', chart)[0] == "4,36.6 12,35.1"
    assert chart.count("<polyline") == 3 and 'viewBox="0 0 720 40"' in chart
    assert "within 2.5\u202fs on the last day, 100\u202fms to 2.5\u202fs in 90 days." in chart
    assert "2,5\u202fs" in latency_chart(days, LANGUAGES["de"])
    assert latency_chart([None] * 90, ENGLISH) == "" == latency_chart((), ENGLISH)


def test_response_times_come_with_the_year_and_on_those_components_alone() -> None:
    facts = page(component(), component("Console", position=1))
    year = replace(year_of(facts.components, (), NOW), latency={"com_1": [120.0] * 90})
    seen = project(facts, FRAME, year=year).files[""].plain.decode()
    assert seen.count('class="spark latency"') == 1 and seen.index("Console") < seen.index("spark latency")
