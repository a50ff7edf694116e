"""Dead letters in the table: the same failure is counted, the newest are kept, and one incident tells of them."""

from __future__ import annotations

import pytest
import redis

from probes import keys
from probes.process.dead_letters import DeadLetterMessage, DeadLetterStream, entry_of, letter_of
from tests.signed import macs
from tests.vigil.api.caller import Api
from vigil.accounts.models import Membership, Role, User
from vigil.accounts.teams import default_team
from vigil.alerts.outbox import enqueue
from vigil.cli import main
from vigil.deadletters import models, record
from vigil.deadletters.actions import NotReplayable, discard, replay, waiting
from vigil.deadletters.models import DeadLetterCount, LetterState
from vigil.incidents.installation.dead_letters import CAUSE, note_dead_letters
from vigil.incidents.models import Incident

pytestmark = pytest.mark.django_db


def a_letter(payload: bytes = b"\x00poison", entry: str = "1-0", stream: str = keys.VERDICTS) -> DeadLetterMessage:
    return letter_of("ingest", "apply", "mon_1", ValueError("no\x00 \ud83d"), entry_of(stream, entry, payload))


def a_step(*, settled: bool = False) -> DeadLetterMessage:
    return DeadLetterMessage(1, "ingest", "composites", "", "" if settled else "ValueError", settled=settled)


def test_s05_the_same_poison_again_is_one_row_with_a_count() -> None:
    for entry in ("1-0", "1-0", "2-0"):
        record.keep(a_letter(entry=entry))
    record.keep(a_letter(b"another"))
    found = {bytes(letter.payload): letter.count for letter in models.DeadLetter.objects.all()}
    # One entry that was buried twice, by a standby, counts once.
    assert found == {b"\x00poison": 2, b"another": 1}


def test_s05_what_works_again_settles_its_letter() -> None:
    record.keep(a_step())
    record.keep(a_step(settled=True))
    assert models.DeadLetter.objects.get().state == LetterState.SETTLED
    record.keep(a_step())
    assert waiting().count() == 1


def test_s05_the_oldest_letters_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LETTERS_MOST", 3)
    for number in range(5):
        record.keep(a_letter(b"%d" % number))
    assert [bytes(letter.payload) for letter in waiting().order_by("pk")] == [b"2", b"3", b"4"]
    assert DeadLetterCount.objects.values_list("kept", "dropped").get(source="ingest") == (5, 2)


def test_s05_letters_of_a_process_without_a_database_are_moved(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        stream = DeadLetterStream(client, macs())
        stream.keep(a_letter(b"x" * 50_000))
        stream.flush()
        client.xadd(keys.DEAD_LETTERS, {keys.BODY: b"\xc1"})
        assert record.move_from_redis(client) == 2
        assert client.xlen(keys.DEAD_LETTERS) == 0
    letter = waiting().get()
    assert letter.size == 50_000 and not letter.is_replayable


def test_s05_a_replay_adds_the_entry_to_its_stream_once(redis_url: str) -> None:
    record.keep(a_letter())
    letter = waiting().get()
    with redis.Redis.from_url(redis_url) as client:
        replay(letter)
        assert [fields[keys.BODY] for _, fields in client.xrange(keys.VERDICTS)] == [b"\x00poison"]
        with pytest.raises(NotReplayable, match="does not wait"):
            replay(letter)
        assert client.xlen(keys.VERDICTS) == 1


def test_s05_one_incident_tells_of_letters_while_any_waits() -> None:
    note_dead_letters(enqueue)
    assert not Incident.objects.exists()
    record.keep(a_letter())
    record.keep(a_letter(b"another"))
    for _ in range(3):
        note_dead_letters(enqueue)
    incident = Incident.objects.get(cause_key=CAUSE)
    assert incident.resolved_at is None
    assert "ingest: apply mon_1" in incident.transitions.get().text
    discard(waiting())
    note_dead_letters(enqueue)
    incident.refresh_from_db()
    assert incident.resolved_at is not None


def test_s05_staff_reads_and_settles_letters_over_the_api(redis_url: str) -> None:
    record.keep(a_letter())
    record.keep(a_letter(b"another"))
    first, second = (letter.public_id for letter in waiting().order_by("pk"))
    user = User.objects.create_user("ops", password="fake password of a test")
    Membership.objects.create(user=user, team=default_team(), role=Role.OWNER)
    api = Api(default_team(), user=user)
    assert api("GET", "dead-letters")[0] == 403
    User.objects.filter(pk=user.pk).update(is_staff=True)
    rows = api("GET", "dead-letters?state=waiting")[1]["results"]
    assert {row["id"] for row in rows} == {first, second} and "payload" not in rows[0]
    assert api("GET", f"dead-letters/{first}")[1]["payload"] == "AHBvaXNvbg=="
    assert api("POST", f"dead-letters/{first}/replay")[1]["state"] == "replayed"
    assert api("POST", f"dead-letters/{first}/replay")[0] == 400
    assert api("POST", f"dead-letters/{second}/discard")[1]["state"] == "discarded"


def test_s05_the_command_lists_shows_replays_and_discards(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    record.keep(a_letter())
    record.keep(a_letter(b"another"))
    first, second = (letter.public_id for letter in waiting().order_by("pk"))
    assert main(["deadletters", "list"]) == 0
    assert first in (told := capsys.readouterr().out) and "ValueError: no" in told
    assert main(["deadletters", "show", first]) == 0
    assert r"b'\x00poison'" in capsys.readouterr().out
    assert main(["deadletters", "replay", first]) == 0
    assert main(["deadletters", "replay", first]) == 1
    assert main(["deadletters", "discard", "--all"]) == 0
    assert main(["deadletters", "discard"]) == 2
    assert main(["deadletters", "show", "dlt_none"]) == 2
    assert not waiting().exists()
    assert models.DeadLetter.objects.get(public_id=second).state == LetterState.DISCARDED
