"""Every day of the last year has its place, with what happened on it, and is reached without a script."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from tests.vigil.status.facts import FRAME, NOW, component, down_for, incident, page
from vigil.history.core.uptime import Settled
from vigil.read_models.core.strips import DOWN, PAUSED
from vigil.status.core.document import project
from vigil.status.core.facts import ComponentFacts, PageFacts, PublicIncidentFacts
from vigil.status.core.history.year import YEAR_DAYS, component_days, incidents_by_day, year_of
from vigil.status.core.states import UpdateState


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def down_on(one: ComponentFacts, day: datetime, length: timedelta) -> ComponentFacts:
    """The component, down once on a day, and not measured more than 200 days ago."""
    span = (seconds(day), seconds(day + length))
    new = (seconds(NOW - timedelta(days=400)), seconds(NOW - timedelta(days=200)))
    return replace(one, spans=[Settled((span,), (), (new,), ())])


def files(facts: PageFacts, *incidents: PublicIncidentFacts) -> dict[str, str]:
    made = project(facts, FRAME, year=year_of(facts.components, incidents, facts.now))
    return {path: file.plain.decode() for path, file in made.files.items() if path.startswith("history")}


def section(text: str, day: str) -> str:
    found = re.search(f'<section [^>]*id="d-{day}".*?</section>', text, re.DOTALL)
    assert found is not None
    return found[0]


def test_each_day_of_a_year_has_a_place_on_the_page_of_its_month() -> None:
    found = files(page())
    days = [NOW.date() - timedelta(days=back) for back in range(YEAR_DAYS)]
    for day in days:
        assert f'id="d-{day}"' in found[f"history/{day:%Y-%m}"]
    linked = set(re.findall(r"/status/acme/(history/\d{4}-\d{2})\"", found["history"]))
    assert linked == {path for path in found if "/" in path} == {f"history/{day:%Y-%m}" for day in days}
    assert sum(text.count("<section") for path, text in found.items() if "/" in path) == YEAR_DAYS


def test_a_day_tells_what_happened_on_it() -> None:
    day = datetime(2026, 7, 14, 10, tzinfo=UTC)
    chat = down_on(component(), day, timedelta(minutes=9))
    said = replace(
        incident(UpdateState.RESOLVED, title="Chat fails"), started_at=day,
        updates=[replace(incident(UpdateState.RESOLVED).updates[0], at=day + timedelta(hours=20))],
    )  # fmt: skip
    found = files(page(chat, component("Console", position=1)), said)
    shown = section(found["history/2026-07"], "2026-07-14")
    assert "Chat API</bdi>: 99.37\u202f% up, 9 min down" in shown and "Chat fails" in shown and "Console" not in shown
    assert "From 14 Jul 2026 10:00 to 15 Jul 2026 06:00, UTC" in shown
    # It ended on the next day, and is on that one too.
    assert "Chat fails" in section(found["history/2026-07"], "2026-07-15")
    assert "Nothing happened." in section(found["history/2026-07"], "2026-07-16")
    before = files(page(replace(chat, spans=[])))
    assert "Nothing was measured." in section(before["history/2026-07"], "2026-07-16")


def test_strips_name_days_with_trouble_and_incidents_and_lead_to_them() -> None:
    facts = page(down_for(component(), timedelta(minutes=9)), incidents=[incident()])
    text = project(facts, FRAME).files[""].plain.decode()
    assert 'data-runs="89u1d" data-end="2026-11-29" data-href="https://vigil.test/status/acme/history/"' in text
    assert '"||' not in text.replace(f'data-days="{"|" * 89}', "")
    assert f'data-days="{"|" * 89}29 Nov 2026, 98.93\u202f% up, 1 incident, 9 min down"' in text
    assert '<a href="https://vigil.test/status/acme/history#months" aria-label="Chat API, last 90 days: ' in text
    quiet = project(page(), FRAME).files[""].plain.decode()
    assert "data-days" not in quiet and 'data-runs="90u"' in quiet


def test_the_year_of_a_component_is_shown_from_where_it_was_measured() -> None:
    old = down_on(component(), NOW - timedelta(days=100), timedelta(hours=1))
    found = files(page(old))["history"]
    assert found.count("data-strip") == 3 and "The last 365 days" in found
    ratio = (200 * 86_400 - 3_600) / (200 * 86_400)
    assert f"{int(ratio * 10_000) / 100:.2f}\u202f% up" in found


def test_days_are_added_up_over_monitors_and_the_worst_state_is_theirs() -> None:
    down, well = down_for(component(), timedelta(hours=1)).spans[0], Settled((), (), (), ())
    today = component_days([down, well], NOW, 90)[-1]
    assert (today.state, today.uptime.down_s) == (DOWN, 3_600)
    assert today.uptime.wall_s == 2 * (14 * 3_600 + 9 * 60)
    assert [one.state for one in component_days([], NOW, 3)] == [PAUSED] * 3


def test_an_open_incident_is_on_every_day_until_now_and_none_before_the_year() -> None:
    long = replace(incident(), started_at=NOW - timedelta(days=500))
    found = incidents_by_day([long], NOW, YEAR_DAYS)
    assert len(found) == YEAR_DAYS and max(found) == date(2026, 11, 29)


def test_pages_of_a_year_are_in_the_language_of_the_page() -> None:
    found = files(page(down_for(component(), timedelta(minutes=9)), language="de"))
    assert "Die letzten 365 Tage" in found["history"] and "Nov. 2026" in found["history"]
    assert "9 min ausgefallen" in section(found["history/2026-11"], "2026-11-29")
    assert "Es ist nichts geschehen." in found["history/2026-10"]
