"""A page is told within seconds whatever dies: senders that are killed while they hold it, and a sick database."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.vigil.alerts.on_call_rows import Step, Webhook, tell
from vigil.alerts.abandoned_claims import AbandonedClaims
from vigil.alerts.delivery import claims
from vigil.alerts.models import Delivery
from vigil.database.session_lock import SessionLock, owner_of

pytestmark = pytest.mark.django_db(transaction=True)
Until = Callable[..., None]
Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start_as(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts a sender that connects to this address, and writes its log to a file."""
    started: list[subprocess.Popen[bytes]] = []

    def start(url: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "VIGIL_DATABASE_URL": url, "VIGIL_HEALTH_PORT": "0"}
        with (tmp_path / f"{len(started)}.log").open("wb") as log:
            command = [sys.executable, "-m", "vigil.cli", "deliver"]
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.wait(10)


@pytest.fixture
def in_another_session() -> Iterator[Callable[[Callable[[], Any]], Callable[[], None]]]:
    """Does something in a session of its own, and gives what ends that session."""
    ends: list[Callable[[], None]] = []

    def do(work: Callable[[], Any]) -> Callable[[], None]:
        done, over = threading.Event(), threading.Event()

        def live() -> None:
            work()
            done.set()
            over.wait(60)
            connection.close()

        session = threading.Thread(target=live, daemon=True)
        session.start()
        assert done.wait(20)

        def end() -> None:
            over.set()
            session.join(10)

        ends.append(end)
        return end

    yield do
    for end in ends:
        end()


def test_3_what_a_dead_sender_had_claimed_is_free_and_what_a_living_one_has_is_not(
    step: Step, webhook: Webhook, until: Until, in_another_session: Callable[..., Callable[[], None]]
) -> None:
    webhook("/a", gather=False)
    for _ in range(3):
        tell(step())
    owner = SessionLock()
    end = in_another_session(lambda: claims.claim({}, 8, [], owner))
    held = Delivery.objects.filter(state="sending")
    assert held.count() == 3 and {owner_of(one.lease_token) for one in held} == {owner.key}
    abandoned, own = AbandonedClaims(own=7), AbandonedClaims(own=owner.key)
    assert (abandoned.free(), abandoned.suspects_any) == (0, False)
    # Alive but stopped: only its lease frees it.
    assert claims.claim({}, 8, [], SessionLock()) == []
    end()
    assert (own.free(), own.suspects_any) == (0, False)
    # PostgreSQL may take a moment to notice that the session has ended.
    until(lambda: abandoned.free() == 0 and abandoned.suspects_any, within_s=5)
    until(lambda: abandoned.free() == 3, within_s=5)
    again = claims.claim({}, 8, [], SessionLock())
    assert len(again) == 3 and {claim.attempts for claim in again} == {2}


def test_3_a_claim_without_an_owner_is_bound_by_its_lease_alone(step: Step, webhook: Webhook) -> None:
    """Those of a release before owners, while it is replaced."""
    webhook("/a", gather=False)
    tell(step())
    assert len(claims.claim({}, 8, [])) == 1
    abandoned = AbandonedClaims(own=7)
    assert (abandoned.free(), abandoned.suspects_any) == (0, False)


@pytest.mark.xdist_group("machine")
def test_3_a_page_is_told_within_seconds_though_its_sender_is_killed_at_receipt(
    step: Step, webhook: Webhook, receiver: Any, process: Start, until: Until
) -> None:
    """Three senders, of which one runs: it is killed when the receiver has the page and it does not know that yet."""
    webhook("/a", gather=False)
    senders = [process() for _ in range(3)]
    until(lambda: _listening() == len(senders), within_s=40)
    for standby in senders[1:]:
        os.kill(standby.pid, signal.SIGSTOP)
    for sender, next_one in pairwise(senders):
        receiver.answers["/a"] = ["hang", 200]
        before, opened = len(receiver.at("/a")), step()
        tell(opened)
        until(lambda before=before: len(receiver.at("/a")) > before, within_s=20)
        sender.kill()
        killed_s = time.time()
        os.kill(next_one.pid, signal.SIGCONT)
        until(lambda before=before: len(receiver.at("/a")) > before + 1, within_s=20)
        first, again = receiver.at("/a")[before:]
        assert again["at"] - killed_s < 5.0
        assert again["headers"]["webhook-id"] == first["headers"]["webhook-id"]
        assert again["body"]["dedup_key"] == first["body"]["dedup_key"]
        until(lambda opened=opened: Delivery.objects.get(transition=opened).state == "sent", within_s=10)
    receiver.release.set()


@pytest.mark.xdist_group("machine")
def test_c_a_page_is_told_soon_after_a_stolen_pool_is_given_back(
    step: Step, webhook: Webhook, receiver: Any, start_as: Callable[[str], subprocess.Popen[bytes]], until: Until
) -> None:
    """A stranger takes all connections that there are for the sender, also those that it had."""
    webhook("/a", gather=False)
    url, places = _role_with_few_connections()
    sender = start_as(url)
    tell(step())
    until(lambda: receiver.at("/a"), within_s=40)
    until(lambda: Delivery.objects.get().state == "sent", within_s=10)
    stolen: list[psycopg.Connection[Any]] = []

    def steal() -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                stolen.append(psycopg.connect(url, autocommit=True))
        mine = [one.info.backend_pid for one in stolen]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND pid <> ALL(%s)",
                [url.split("//")[1].split(":")[0], mine],
            )
        return len(stolen) == places

    until(steal, within_s=20)
    tell(step())
    until(lambda: "away" in _words_of(sender), within_s=20)
    assert sender.poll() is None and len(receiver.at("/a")) == 1
    for one in stolen:
        one.close()
    freed_s = time.time()
    until(lambda: len(receiver.at("/a")) == 2, within_s=20)
    assert receiver.at("/a")[1]["at"] - freed_s < 5.0
    until(lambda: not Delivery.objects.exclude(state="sent").exists(), within_s=10)
    assert len(receiver.at("/a")) == 2


@pytest.mark.xdist_group("machine")
def test_f_a_page_is_told_soon_after_a_lock_on_its_tables_is_given_back(
    step: Step, webhook: Webhook, receiver: Any, process: Start, until: Until
) -> None:
    webhook("/a", gather=False)
    tell(step())
    process()
    until(lambda: receiver.at("/a"), within_s=40)
    until(lambda: Delivery.objects.get().state == "sent", within_s=10)
    opened = step()
    with psycopg.connect(_database_url()) as stranger:
        stranger.execute("LOCK TABLE alerts_delivery, alerts_channel, incidents_monitorstate IN ACCESS EXCLUSIVE MODE")
        writing = threading.Thread(target=_tell_and_close, args=(opened,))
        writing.start()
        waiting = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
        # The writer, and the sender's two threads.
        until(lambda: stranger.execute(waiting).fetchone()[0] >= 3, within_s=20)  # type: ignore[index]
        assert len(receiver.at("/a")) == 1
    freed_s = time.time()
    writing.join(20)
    until(lambda: len(receiver.at("/a")) == 2, within_s=20)
    assert receiver.at("/a")[1]["at"] - freed_s < 5.0
    until(lambda: Delivery.objects.get(transition=opened).state == "sent", within_s=10)


def _database_url(user: str = "") -> str:
    """The address of this test's database, for its owner or for another user without a password."""
    base = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0]
    scheme, _, rest = base.partition("://")
    host = rest.rpartition("@")[2]
    return f"{scheme}://{user or rest.rpartition('@')[0]}@{host}/{connection.settings_dict['NAME']}"


def _tell_and_close(opened: Any) -> None:
    tell(opened)
    connection.close()


def _listening() -> int:
    """How many senders have reached their main loop in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        return int(cursor.fetchone()[0])


def _role_with_few_connections() -> tuple[str, int]:
    """The address of this test's database for a user that may have a few sessions, and how many."""
    role, password, places = f"few_{connection.settings_dict['NAME']}", "only-for-tests", 6
    with connection.cursor() as cursor:
        cursor.execute(f"DROP ROLE IF EXISTS {role}")
        cursor.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}' CONNECTION LIMIT {places}")
        cursor.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        cursor.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}")
    return _database_url(f"{role}:{password}"), places


def _words_of(sender: subprocess.Popen[bytes]) -> str:
    """What a sender has written so far."""
    return Path(f"/proc/{sender.pid}/fd/2").read_text(errors="replace") if sender.poll() is None else ""
