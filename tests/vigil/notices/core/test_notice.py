"""A notice is bounded, one line, and known by its team, kind and key."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from vigil.notices.core.notice import CHANGE_LIMIT, KIND_WORDS, TITLE_LIMIT, Notice, NoticeKind, admitted

NOTICE = Notice(
    1, NoticeKind.RETIREMENT, "openai/gpt-x/30", "gpt-x retires in 30 days", datetime(2030, 1, 1, tzinfo=UTC)
)


def test_texts_of_strangers_are_one_bounded_line() -> None:
    hostile = replace(NOTICE, title="a\n\x00b \u202e" + "x" * 10_000, before="y" * 10_000, after="\r\n")
    taken = admitted(hostile)
    assert taken.title.startswith("a b ") and len(taken.title) <= TITLE_LIMIT
    assert "\u202e" not in taken.title and "\x00" not in taken.title
    assert len(taken.before) == CHANGE_LIMIT and taken.after == ""


@pytest.mark.parametrize("lost", [{"key": ""}, {"title": " \n"}, {"key": "\x00"}])
def test_a_notice_without_a_key_or_title_is_refused(lost: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a key and a title"):
        admitted(replace(NOTICE, **lost))


def test_the_same_team_kind_and_key_are_the_same_notice() -> None:
    assert NOTICE.identity == replace(NOTICE, title="other words").identity
    assert NOTICE.identity != replace(NOTICE, key="openai/gpt-x/7").identity


def test_every_kind_has_words() -> None:
    assert set(KIND_WORDS) == set(NoticeKind)
