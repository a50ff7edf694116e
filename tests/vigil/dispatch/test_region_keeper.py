"""The keeper of regions goes on after an unexpected error, and its thread is started again when it has ended."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any, NoReturn

import pytest
from structlog.testing import capture_logs

from probes.process.health import Health
from tests.vigil.dispatch.test_service import dispatching
from tests.waiting import until
from vigil.cli.processes.start import KEEPER
from vigil.dispatch import region_keeper
from vigil.dispatch.region_keeper import RegionKeeper
from vigil.enrolment.redis_access import FailedServers, Management


def turned(keeper: RegionKeeper) -> list[tuple[str, str]]:
    """What the keeper says had failed in one turn, and how."""
    with capture_logs() as logs:
        keeper.turn()
    return [(one["wanted"], one["error"]) for one in logs if one["event"] == "keeper.failed" and one["exc_info"]]


@pytest.mark.django_db
def test_a_duty_that_fails_is_reported_and_due_again_and_the_others_are_done(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, reported, done = RegionKeeper(), list[BaseException](), list[str]()

    def fail() -> NoReturn:
        raise KeyError("maxmemory")

    monkeypatch.setattr(region_keeper, "report", reported.append)
    monkeypatch.setattr(keeper._bounds, "judge", fail)
    monkeypatch.setattr(region_keeper, "end_revoked", lambda: done.append("revoked"))
    monkeypatch.setattr(region_keeper, "BOUNDS_S", 60.0)
    assert turned(keeper) == turned(keeper) == [("bounds", "KeyError")]
    assert [type(error) for error in reported] == [KeyError, KeyError]
    assert done == ["revoked"]


@pytest.mark.django_db
def test_the_watchdog_hears_of_each_duty_also_of_one_that_fails(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> NoReturn:
        raise KeyError("maxmemory")

    health = Health("dispatch", 15)
    keeper = RegionKeeper(partial(health.turned, KEEPER))
    monkeypatch.setattr(region_keeper, "report", lambda error: None)
    monkeypatch.setattr(keeper._bounds, "judge", fail)
    turned(keeper)
    assert health.turn_of(KEEPER).number == 6


@pytest.mark.django_db
def test_the_users_are_made_once_where_redis_does_not_tell_its_run(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []

    def make(now: object, but: object) -> FailedServers:
        made.append(now)
        return FailedServers(primary=Management.AWAY if len(made) == 1 else Management.MANAGED)

    told: dict[str, Any] = {}
    monkeypatch.setattr(region_keeper, "RESTARTED_S", 0.0)
    monkeypatch.setattr(region_keeper, "server_infos", lambda: {"": told})
    monkeypatch.setattr(region_keeper, "set_all_users", make)
    keeper = RegionKeeper()
    assert turned(keeper) == turned(keeper) == turned(keeper) == []
    assert len(made) == 2, "again after Redis was away, and no more"


@pytest.mark.django_db
def test_a_server_that_was_away_or_failed_is_given_the_users_again_without_a_restart(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[frozenset[str]] = []
    told: dict[str, dict[str, Any]] = {"one:6379": {"run_id": "a"}, "two:6379": {"run_id": "b"}}
    failed = FailedServers()

    def make(now: object, but: frozenset[str]) -> FailedServers:
        made.append(but)
        return failed

    monkeypatch.setattr(region_keeper, "RESTARTED_S", 0.0)
    monkeypatch.setattr(region_keeper, "server_infos", lambda: told)
    monkeypatch.setattr(region_keeper, "set_all_users", make)
    keeper = RegionKeeper()

    def makes() -> int:
        before = len(made)
        assert turned(keeper) == []
        return len(made) - before

    assert (makes(), makes()) == (1, 0)
    two = told.pop("two:6379")
    assert makes() == 0, "nothing to be given to"
    told["two:6379"], failed = two, FailedServers({"two:6379": Management.AWAY})
    assert (makes(), makes()) == (1, 1), "as often as it does not take them"
    failed = FailedServers()
    assert (makes(), makes()) == (1, 0)
    monkeypatch.setattr(region_keeper, "MADE_AGAIN_S", 0.0)
    keeper._duties.make_due("made again")
    keeper._bounds._cut["thief"] = float("inf")
    assert makes() == 1, "another process may have made users while it did not reach a server"
    assert made[-1] == {"thief"}, "who is cut off stays so"


@pytest.mark.django_db(transaction=True)
def test_a_keeper_whose_thread_has_ended_is_started_again_by_dispatch(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[threading.Thread] = []

    def turn(keeper: RegionKeeper) -> None:
        turns.append(threading.current_thread())
        if len(turns) == 1:
            raise SystemExit

    monkeypatch.setattr(region_keeper, "TURN_S", 0.01)
    monkeypatch.setattr(RegionKeeper, "turn", turn)
    keeper = RegionKeeper()
    keeper.start()
    try:
        with dispatching(keep_alive=keeper.keep_alive):
            until(lambda: len(turns) > 1, "the keeper's next turn")
    finally:
        keeper.stop()
    assert turns[0] is not turns[1]
