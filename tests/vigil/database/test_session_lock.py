"""Who claimed something, and whether it lives: by the session that holds its lock."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from django.db import connection

from tests.waiting import until
from vigil.database.session_lock import GONE_AFTER_S, MissingOwners, SessionLock, living_owners, owner_of


@pytest.mark.django_db(transaction=True)
def test_3_an_owner_lives_as_long_as_its_session() -> None:
    lock, held, end = SessionLock(), threading.Event(), threading.Event()

    def live() -> None:
        lock.hold()
        lock.hold()
        held.set()
        end.wait(10)
        connection.close()

    session = threading.Thread(target=live)
    session.start()
    assert held.wait(10)
    assert lock.key in living_owners()
    end.set()
    session.join(10)
    until(lambda: lock.key not in living_owners())
    # In a new session it is held again.
    lock.hold()
    assert lock.key in living_owners()
    connection.close()


def test_3_a_token_names_its_owner_and_those_of_older_releases_name_none() -> None:
    lock = SessionLock()
    tokens = {lock.token() for _ in range(100)}
    assert len(tokens) == 100 and {owner_of(token) for token in tokens} == {lock.key}
    assert owner_of(uuid4()) == owner_of(None) == 0


@pytest.mark.parametrize(
    ("looks", "gone"),
    [
        pytest.param([(0.0, {1}), (1.0, {1})], set(), id="alive"),
        pytest.param([(0.0, set())], set(), id="missing-once"),
        pytest.param([(0.0, set()), (GONE_AFTER_S, set())], {1}, id="3-missing-for-long-enough"),
        pytest.param([(0.0, set()), (0.3, {1}), (0.6, set())], set(), id="connected-again"),
    ],
)
def test_3_an_owner_is_dead_once_it_was_missing_for_a_while(
    looks: list[tuple[float, set[int]]], gone: set[int]
) -> None:
    missing = MissingOwners()
    found = [missing.gone({0, 1}, living, at_s) for at_s, living in looks]
    assert found[-1] == gone
    assert missing.any == (1 not in looks[-1][1])
