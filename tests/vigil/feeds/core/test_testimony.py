"""Who was first, in words: a table of what was seen when. Lead is counted from our own first sight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from vigil.feeds.core.testimony import Declared, ProviderWitness, lead_s, relevant, statement

OPENED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return OPENED + timedelta(minutes=minutes)


def post(seen: float, absent: float | None = None, ended: float | None = None, title: str = "Errors") -> Declared:
    before = at(seen - 1 if absent is None else absent)
    return Declared(title, at(seen), before, None if ended is None else at(ended))


@pytest.mark.parametrize(
    ("posts", "now", "over", "words"),
    [
        ([], 0, False, "OpenAI's status page: no incident yet."),
        ([], 20, True, "OpenAI's status page posted no incident meanwhile."),
        ([], 200, False, "OpenAI's status page: no incident within 180 minutes."),
        ([post(11)], 11, False, "OpenAI's status page posted “Errors” 11 minutes after us."),
        ([post(1)], 11, False, "OpenAI's status page posted “Errors” 1 minute after us."),
        ([post(-4)], 0, False, "OpenAI's status page posted “Errors” 4 minutes before us."),
        ([post(0.3)], 1, False, "OpenAI's status page posted “Errors” in the same minute as us."),
        ([post(11), post(3, title="First")], 30, True, "OpenAI's status page posted “First” 3 minutes after us."),
        ([post(-120)], 0, False, "OpenAI's status page posted “Errors” 2 hours before us."),
        ([post(-9_000), post(5, title="New")], 9, False, "OpenAI's status page posted “New” 5 minutes after us."),
        # What was over before is another matter.
        ([post(-20, ended=-10)], 0, False, "OpenAI's status page: no incident yet."),
        ([post(200)], 200, True, "OpenAI's status page posted no incident meanwhile."),
        (
            [post(30, absent=2)], 40, False,
            "OpenAI's status page posted “Errors” 30 minutes after us, give or take the 28 minutes for which it was"
            " not read.",
        ),
        ([Declared("Old", at(-5), None)], 0, False, "OpenAI's status page posted “Old” before Vigil read it."),
    ],
)  # fmt: skip
def test_what_the_page_says_of_an_incident(posts: list[Declared], now: float, over: bool, words: str) -> None:
    assert statement(ProviderWitness("OpenAI", at(now), posts), OPENED, at(now), over=over) == words


@pytest.mark.parametrize("ok", [None, -10.0])
def test_a_page_that_was_not_read_is_no_witness(ok: float | None) -> None:
    witness = ProviderWitness("OpenAI", None if ok is None else at(ok))
    assert statement(witness, OPENED, at(0), over=False) == "OpenAI's status page cannot be read now."


def test_lead_is_in_seconds_negative_where_the_page_was_first_and_none_where_unknown() -> None:
    assert lead_s(post(11), OPENED) == 660
    assert lead_s(post(-4), OPENED) == -240
    assert lead_s(Declared("x", at(1), None), OPENED) is None


def test_of_what_still_stands_the_last_before_counts() -> None:
    found = relevant([post(-500, title="older"), post(-100, title="newer")], OPENED)
    assert found is not None and found.title == "newer"
