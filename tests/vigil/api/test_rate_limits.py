"""Limits of callers: told on every answer of a token, exact at the border, and apart for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vigil.api.caller import Api
from vigil.accounts.models import Scope
from vigil.accounts.teams import default_team
from vigil.api.base import rate_limits
from vigil.api.base.rate_limits import RateAllowance, RateWindows
from vigil.guess_limits import SECRETS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    yield
    rate_limits.CALLERS.forget()
    SECRETS.forget()


def test_the_last_request_of_a_window_passes_and_the_next_waits_for_the_next_window() -> None:
    windows = RateWindows(limit=2, window_s=60)
    assert windows.count("a", 30.5) == RateAllowance(1, 30)
    assert windows.count("a", 59.9) == RateAllowance(0, 1)
    assert windows.count("a", 59.95) == RateAllowance(0, 1, over=True)
    assert windows.count("b", 59.95) == RateAllowance(1, 1)
    assert windows.count("a", 60.0) == RateAllowance(1, 60)


def test_only_so_many_callers_are_remembered() -> None:
    windows = RateWindows(limit=1, remembered=2)
    for caller in ("a", "b", "c"):
        windows.count(caller, 0)
    assert windows.count("c", 1).over and not windows.count("a", 1).over


def test_every_answer_of_a_token_tells_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "CALLERS", RateWindows(limit=3, window_s=10**9))
    reader = Api(default_team(), Scope.READ)
    answers = [reader.ask("GET", "monitors"), reader.ask("POST", "monitors", {}), reader.ask("GET", "monitors/mon_0")]
    assert [answer.status_code for answer in answers] == [200, 403, 404]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["2", "1", "0"]
    over = reader.ask("GET", "monitors")
    assert (over.status_code, over.json()["code"], over["RateLimit-Remaining"]) == (429, "rate_limited", "0")
    assert over["Retry-After"] == over["RateLimit-Reset"] and over["RateLimit-Limit"] == str(rate_limits.LIMIT)
    assert Api(default_team()).ask("GET", "monitors").status_code == 200


def test_who_calls_without_a_token_is_told_to_wait_after_a_hundred() -> None:
    SECRETS.forget()
    client = Api(default_team()).client
    statuses = [client.get("/api/v1/monitors").status_code for _ in range(102)]
    assert statuses[:100] == [401] * 100 and statuses[-1] == 429
