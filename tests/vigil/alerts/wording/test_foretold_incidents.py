"""An alert of what is foretold says that nothing fails yet, and when it would; of regions that they cannot see."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from vigil.alerts.wording.alert import Alert, AlertSubject
from vigil.alerts.wording.text import headline, story
from vigil.alerts.wording.vocabulary import foretold_template, look_of, meaning_of

AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def alert(kind: str, cause: str, note: str, failure: str) -> Alert:
    return Alert(
        delivery="dlv_1", event="trigger", dedup_key="inc_1", kind=kind, title=note, failure=failure, reason="x",
        started_at=AT, opened_at=AT, at=AT, link="https://vigil.example/incidents/inc_1", step="opened", note=note,
        subject=AlertSubject("mon_1", "chat", "https://api.openai.com/", "http"), about=foretold_template(kind, cause),
    )  # fmt: skip


def test_a_quota_that_ends_says_that_nothing_fails_yet() -> None:
    told = alert("degraded", "access:headroom:api.openai.com", "At this slope 429 in about 20 minutes.", "rate_limited")

    assert headline(told).startswith("HEADROOM: chat")
    text = " ".join(story(told))
    assert "At this slope 429 in about 20 minutes." in text
    assert "Nothing fails yet" in text
    assert "raise its limit" in text


def test_regions_that_are_kept_out_cannot_see() -> None:
    told = alert("account", "access:regions:api.openai.com", "api.openai.com refuses the country of cn.", "geo_blocked")

    assert headline(told).startswith("KEPT OUT: chat")
    assert "They cannot see the service." in " ".join(story(told))


@pytest.mark.parametrize(
    ("kind", "cause", "template"),
    [
        ("degraded", "access:headroom:h", "headroom"),
        ("account", "access:regions:h", "kept_out"),
        ("degraded", "", ""),
        ("outage", "mass:1", ""),
    ],
)
def test_only_what_is_foretold_has_its_template(kind: str, cause: str, template: str) -> None:
    assert foretold_template(kind, cause) == template


def test_the_page_of_the_incident_says_the_same() -> None:
    assert meaning_of("headroom", "rate_limited").startswith("Nothing fails yet")
    assert "region matrix" in look_of("kept_out", "bot_filter")
