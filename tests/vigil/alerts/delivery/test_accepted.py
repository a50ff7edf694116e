"""An alert that its receiver took is not sent again, though its sender dies before it is recorded; none is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from tests.vigil.alerts.crashing import live, nothing_due, stop_watching
from tests.vigil.alerts.on_call_rows import tell
from vigil.alerts.accepted_log import AcceptedLog
from vigil.alerts.crashpoints import CrashPoint
from vigil.alerts.delivery import claims, recording
from vigil.alerts.delivery.recording import FOLDER, mark_sent
from vigil.alerts.models import Channel, Delivery
from vigil.configuration import configuration
from vigil.database.session_lock import SessionLock
from vigil.incidents.models import Transition

pytestmark = pytest.mark.django_db(transaction=True)
Step = Callable[..., Transition]
Webhook = Callable[..., Channel]
_LATER = "UPDATE alerts_delivery SET due_at = now(), lease_until = now() - interval '1 second' WHERE state = 'sending'"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.setenv("VIGIL_DATA_DIR", str(tmp_path))
    configuration.cache_clear()
    yield tmp_path / FOLDER
    stop_watching()
    monkeypatch.undo()
    configuration.cache_clear()


def killed_at(point: CrashPoint) -> int:
    name = connection.settings_dict["NAME"]
    url = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"
    ours = {"VIGIL_DATABASE_URL": url, "VIGIL_HEALTH_PORT": "0", "VIGIL_CRASH_AT": f"{point.value}:1"}
    return subprocess.run(
        [sys.executable, "-m", "vigil.cli", "deliver"], env={**os.environ, **ours}, timeout=90
    ).returncode


def later() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LATER)


def test_a_kill_between_the_answer_and_the_commit_repeats_no_alert(
    step: Step, webhook: Webhook, receiver: Any, folder: Path
) -> None:
    webhook("/a", gather=False)
    for point in (CrashPoint.SEND_NOTED, CrashPoint.RECORD_WRITTEN):
        tell(step())
        assert killed_at(point) == -9
        later()
    assert live(nothing_due)
    assert len(receiver.at("/a")) == 2 and len({took["headers"]["webhook-id"] for took in receiver.at("/a")}) == 2
    sent = Delivery.objects.all()
    assert {(one.state, one.answer) for one in sent} == {("sent", "200")}, [one.answer for one in sent]
    # The last life was idle when it ended; what is left is of those that were killed.
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("leases", [0, 1], ids=["given up", "still tried"])
def test_a_database_that_is_away_for_longer_than_a_lease_repeats_no_alert(
    step: Step, webhook: Webhook, receiver: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, leases: int
) -> None:
    # A lease begins at the claim, and the attempts to record only once the receiver has answered.
    webhook("/a", gather=False)
    tell(step())
    refused: list[int] = []
    real = recording.record_each

    def away(*args: Any) -> Any:
        refused.append(1)
        if len(refused) <= 4:
            later()
            raise OSError("PostgreSQL is away")
        return real(*args)

    monkeypatch.setattr(recording, "record_each", away)
    monkeypatch.setattr(claims, "LEASE", claims.LEASE * leases)
    assert live(lambda: bool(refused) and nothing_due())
    assert len(receiver.at("/a")) == 1 and Delivery.objects.get().state == "sent"


def test_a_note_says_nothing_about_another_claim_of_the_same_alert(step: Step, webhook: Webhook, folder: Path) -> None:
    """An alert that is renewed or sent again is the same row: an old note would lose it."""
    webhook("/a", gather=False)
    tell(step())
    owner = SessionLock()
    (first,) = claims.claim({}, 8, [], owner)
    log = AcceptedLog(folder, owner.key, mark_sent)
    log.note(first.id, str(first.token), "200", "")
    later()
    (second,) = claims.claim({}, 8, [], owner)
    assert second.token != first.token
    assert log.recover(own=True) == 0 and Delivery.objects.get().state == "sending"
    log.note(second.id, str(second.token), "200", "ref\x00erence")
    assert AcceptedLog(folder, 7, mark_sent).recover() == 0, "its owner lives"
    assert log.recover(own=True) == 1
    assert Delivery.objects.filter(state="sent", answer="200", reference="reference").exists()


def test_the_log_of_a_process_that_is_gone_is_read_once_and_deleted_in_time(tmp_path: Path) -> None:
    marked: list[Sequence[list[Any]]] = []

    def mark(notes: Sequence[list[Any]], owner: int) -> int:
        marked.append(notes)
        return len(notes)

    AcceptedLog(tmp_path, 11, mark).note(1, "a")
    log = AcceptedLog(tmp_path, 12, mark)
    assert [log.recover() for _ in range(3)] == [1, 0, 0] and marked == [[[1, "a"]]]
    gone = tmp_path / "11.accepted"
    with gone.open("a") as file:
        file.write('[2,"b"]\n[3,"cut')
    assert [log.recover() for _ in range(2)] == [2, 0] and marked[1] == [[1, "a"], [2, "b"]]
    os.utime(gone, (0, 0))
    assert log.recover() == 0 and not gone.exists()


@pytest.mark.parametrize(
    "line",
    [
        "", "\x00\x00\x00", "7", "[", "[7]", '["7"]', "{}", "[null,null,null,null]", '[true,"{token}","",""]',
        '[{id},"not a token","",""]', '[{id},"{other}","",""]', '[{id},"{token}",null,""]', '[{id},"{token}","",""',
        '[99999999999999999999,"{token}","",""]', '[{id},"{token}","","",""]', '[-{id},"{token}","",""]',
    ],
)  # fmt: skip
def test_what_no_sender_noted_marks_no_alert(step: Step, webhook: Webhook, folder: Path, line: str) -> None:
    webhook("/a", gather=False)
    tell(step())
    owner = SessionLock()
    (held,) = claims.claim({}, 8, [], owner)
    log = AcceptedLog(folder, owner.key, mark_sent)
    values = {"{id}": str(held.id), "{token}": str(held.token), "{other}": str(uuid4())}
    for name, value in values.items():
        line = line.replace(name, value)
    (path,) = folder.iterdir()
    path.write_text(line + "\n" + json.dumps([held.id + 1, str(held.token), "", ""]) + "\n")
    assert log.recover(own=True) == 0
    assert Delivery.objects.get().state == "sending"
