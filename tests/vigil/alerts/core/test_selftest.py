"""Who is tested when, and what the tests prove: tables of times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from vigil.alerts.core.selftest import LOOPBACK_EVERY, Participant, doubt, due

NOW = datetime(2030, 1, 1, 3, tzinfo=UTC)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


LOOP = Participant(1, "Loopback", LOOPBACK_EVERY, begun=ago(3), accepted=ago(3), loopback=True)
DAILY = Participant(2, "pager", timedelta(days=1), begun=ago(600), accepted=ago(600))


@pytest.mark.parametrize(
    ("channels", "now_due"),
    [
        ([LOOP, DAILY], ()),
        ([replace(LOOP, begun=None), DAILY], (1,)),
        ([replace(LOOP, begun=ago(5)), DAILY], (1,)),
        ([LOOP, replace(DAILY, begun=ago(1440))], (2,)),
        ([LOOP, replace(DAILY, begun=None)], (2,)),
        # What failed is tried again soon, not tomorrow.
        ([LOOP, replace(DAILY, begun=ago(4), failed="refused")], ()),
        ([LOOP, replace(DAILY, begun=ago(5), failed="refused")], (2,)),
    ],
)
def test_a_channel_is_due_when_its_time_has_come(channels: list[Participant], now_due: tuple[int, ...]) -> None:
    assert due(channels, NOW) == now_due


@pytest.mark.parametrize(
    ("channels", "why"),
    [
        ([LOOP], ""),
        ([LOOP, DAILY], ""),
        ([], "no self-test has passed yet"),
        ([DAILY], "no self-test has passed yet"),
        ([replace(LOOP, accepted=None)], "no self-test has passed yet"),
        ([replace(LOOP, accepted=ago(10))], ""),
        ([replace(LOOP, accepted=ago(10.1))], "the last self-test that passed was at 02:49:54 UTC"),
        ([LOOP, replace(DAILY, failed="answered 403")], "pager did not accept its self-test: answered 403"),
    ],
)
def test_it_is_certain_only_while_everything_is_proven(channels: list[Participant], why: str) -> None:
    assert doubt(channels, NOW) == why
