"""Detection lead: a table of our times, their times, and what can be said of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vigil.feeds.core.detection_lead import (
    DetectedOutage,
    LeadFigures,
    LeadState,
    PublicWord,
    WhoWasFirst,
    can_be_about,
    in_words,
    lead_of,
    matched,
    settled_state,
    told_in_words,
    unmatched,
)
from vigil.feeds.core.lead_table import OutageLead, ProviderLeads, yearly

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def word(
    seen: float, absent: float | None, created: float | None = None, key: int = 1, title: str = "Elevated errors"
) -> PublicWord:
    times = [None if minutes is None else at(minutes) for minutes in (absent, created)]
    return PublicWord(key, title, at(seen), *times)


def outage(decided: float, ended: float | None = None, key: int = 1) -> DetectedOutage:
    return DetectedOutage(key, at(decided - 1), at(decided), None if ended is None else at(ended))


@pytest.mark.parametrize(
    ("post", "figures", "first", "words"),
    [
        (word(14, 13), LeadFigures(780, 840), WhoWasFirst.US, "14 minutes before their page"),
        (word(14, 13, 13.5), LeadFigures(780, 840, 810), WhoWasFirst.US, "14 minutes before their page"),
        # Back-dated: it says 11:50, and was not there at 12:13.
        (
            word(14, 13, -10), LeadFigures(780, 840, None, is_backdated=True), WhoWasFirst.US,
            "14 minutes before their page; its post dates itself earlier than it could be read",
        ),
        # They were first.
        (word(-5, -6), LeadFigures(-360, -300), WhoWasFirst.THEM, "5 minutes after their page"),
        (word(0.2, -0.8), LeadFigures(-48, 12), WhoWasFirst.UNCLEAR, "in the same minute as their page"),
        # Not read for an hour: a range, and nobody was surely first, unless their own time says so against them.
        (
            word(30, -30), LeadFigures(-1800, 1800), WhoWasFirst.UNCLEAR,
            "at most 30 minutes before their page, and at most 30 minutes after it: the page was not read for"
            " 60 minutes",
        ),
        (
            word(30, -30, 20), LeadFigures(-1800, 1800, 1200), WhoWasFirst.US,
            "at most 30 minutes before their page, and at most 30 minutes after it: the page was not read for"
            " 60 minutes",
        ),
        (
            word(43, 13), LeadFigures(780, 2580), WhoWasFirst.US,
            "between 13 minutes and 43 minutes before their page: the page was not read for 30 minutes",
        ),
        # It stood there when it was first read.
        (word(5, None), LeadFigures(None, 300), WhoWasFirst.UNCLEAR, "their page had it when it was first read"),
        (word(-5, None), LeadFigures(None, -300), WhoWasFirst.THEM, "at least 5 minutes after their page"),
        # A clock of theirs that runs ahead says nothing.
        (word(14, 13, 60), LeadFigures(780, 840), WhoWasFirst.US, "14 minutes before their page"),
    ],
)  # fmt: skip
def test_a_lead_is_no_more_exact_than_the_reads(
    post: PublicWord, figures: LeadFigures, first: WhoWasFirst, words: str
) -> None:
    found = lead_of(at(0), post)
    assert (found, found.first, in_words(found)) == (figures, first, words)


@pytest.mark.parametrize(
    ("ours", "post", "expected"),
    [
        (outage(0), word(170, 169), True),
        (outage(0), word(190, 189), False),
        (outage(0), word(-29, -30), True),
        (outage(0), word(-31, -32), False),
        # Two minutes of failure are not what a page tells of two hours later.
        (outage(0, ended=2), word(100, 99), False),
        (outage(0, ended=2), word(40, 39), True),
        # An old post that is shown anew, and one that was over before.
        (outage(0), word(5, 4, created=-3 * 1440), False),
        (outage(0), PublicWord(1, "Errors", at(-20), at(-21), ended=at(-10)), False),
        (outage(0), word(5, 4, title="Scheduled maintenance"), False),
        (outage(0), word(5, 4, title="Planned upgrade of the API"), False),
    ],
)
def test_a_post_can_be_about_an_outage_near_it_only(ours: DetectedOutage, post: PublicWord, expected: bool) -> None:
    assert can_be_about(ours, post) is expected


def test_a_lead_is_told_in_one_sentence() -> None:
    said = told_in_words("OpenAI", "Errors", lead_of(at(0), word(14, 13)))
    assert said == "Seen 14 minutes before their page (OpenAI: “Errors”)."
    unknown = told_in_words("OpenAI", "Errors", lead_of(at(0), word(5, None)))
    assert unknown == "OpenAI's status page had posted “Errors” when it was first read."


def test_a_post_about_nothing_of_ours_is_one_we_missed() -> None:
    posts = [word(14, 13, key=1), word(900, 899, key=2), word(900, 899, key=3, title="Scheduled maintenance")]
    assert [one.key for one in unmatched([outage(0)], posts)] == [2]


def test_a_post_is_matched_once_to_the_nearest_outage_and_the_first_word_counts() -> None:
    ours = [outage(0, ended=20, key=1), outage(60, key=2)]
    posts = [word(12, 11, key=1), word(25, 24, key=2), word(70, 69, key=3), word(50, 49, key=4)]
    assert {key: found.key for key, found in matched(ours, posts).items()} == {1: 1, 2: 4}
    assert matched(ours, []) == {} and matched([], posts) == {}


@pytest.mark.parametrize(
    ("post", "read", "now", "state"),
    [
        (word(14, 13), 14, 14, LeadState.TOLD),
        (None, 20, 20, LeadState.WAITING),
        (None, 200, 200, LeadState.SILENT),
        (None, 100, 200, LeadState.UNREAD),
        (None, None, 200, LeadState.UNREAD),
        # Looked at too late: a post may have come and gone.
        (None, 300, 300, LeadState.UNREAD),
    ],
)
def test_silence_of_a_page_that_was_not_read_is_no_silence(
    post: PublicWord | None, read: float | None, now: float, state: LeadState
) -> None:
    assert settled_state(outage(0), post, None if read is None else at(read), at(now)) is state


@given(
    st.lists(st.floats(-400, 400), max_size=6),
    st.lists(st.tuples(st.floats(-400, 400), st.floats(0, 60)), max_size=6),
)
def test_no_post_is_matched_twice_and_bounds_hold(decided: list[float], seen: list[tuple[float, float]]) -> None:
    ours = [outage(minutes, key=key) for key, minutes in enumerate(decided)]
    posts = [word(minutes, minutes - gap, key=key) for key, (minutes, gap) in enumerate(seen)]
    found = matched(ours, posts)
    assert len({one.key for one in found.values()}) == len(found)
    for key, one in found.items():
        lead = lead_of(ours[key].decided, one)
        assert lead.least_s is not None and lead.least_s <= lead.most_s
        assert in_words(lead)


def test_the_yearly_table_counts_who_was_first_and_what_either_missed() -> None:
    def told(least_s: int) -> OutageLead:
        return OutageLead("openai", LeadState.TOLD, LeadFigures(least_s, least_s + 60))

    by_their_time = OutageLead("openai", LeadState.TOLD, LeadFigures(-2, 57, 44))
    assert by_their_time.figures is not None and by_their_time.figures.counted_s == 44
    leads = [told(780), told(60), told(-600), OutageLead("openai", LeadState.SILENT)]
    leads += [OutageLead("openai", LeadState.UNREAD), OutageLead("groq", LeadState.WAITING)]
    assert yearly(leads, {"openai": 2, "cohere": 1, "xai": 0}) == [
        ProviderLeads("cohere", 0, 0, 0, 0, 0, 1, 0, None, None, None),
        ProviderLeads("groq", 1, 0, 0, 0, 0, 0, 1, None, None, None),
        ProviderLeads("openai", 5, 2, 1, 0, 1, 2, 1, 60, 780, -600),
    ]
