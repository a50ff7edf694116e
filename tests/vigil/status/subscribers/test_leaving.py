"""Who unsubscribes while letters are recorded waits for that or is waited for, and neither fails."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected

from tests.vigil.status.subscribing import incident_of, page_of, subscriber
from tests.waiting import until
from vigil.status.core.subscribers.outcomes import LetterOutcome, LetterResult
from vigil.status.letters.claims import record_letters
from vigil.status.letters.fan_out import write_letters
from vigil.status.subscriber_models import Subscriber, SubscriberLetter
from vigil.status.subscribers import changes

pytestmark = pytest.mark.django_db(transaction=True)


def _is_waited_for() -> bool:
    """Whether somebody waits for this transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
        return bool(cursor.fetchone()[0])


def test_a_letter_is_recorded_while_its_subscriber_leaves() -> None:
    page, token = page_of(), uuid.uuid4()
    row = subscriber(page, "https://hooks.example.test/vigil", kind="webhook", failures=1)
    write_letters(incident_of(page).updates.get().pk)
    SubscriberLetter.objects.update(state="sending", lease_token=token)
    letter = SubscriberLetter.objects.get().pk
    result = LetterResult(letter, row.public_id, token, LetterOutcome.ACCEPTED, clears=True)
    failed = list[Exception]()

    def record() -> None:
        try:
            record_letters([result])
        except Exception as error:  # noqa: BLE001  # told by the test
            failed.append(error)
        finally:
            connection.close()

    recording = threading.Thread(target=record)
    with transaction.atomic():
        Subscriber.objects.select_for_update().get(pk=row.pk)
        recording.start()
        until(_is_waited_for, "the record to wait for the subscriber")
        assert changes.unsubscribe(row.public_id)
    recording.join(60)
    assert not failed and not SubscriberLetter.objects.exists()


def test_a_deadlock_with_who_claims_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    row, delete, tries = subscriber(page_of(), "reader@example.test"), changes._delete, list[str]()

    def delete_at_second(name: str) -> Subscriber | None:
        tries.append(name)
        if len(tries) == 1:
            raise OperationalError("deadlock detected") from DeadlockDetected()
        return delete(name)

    monkeypatch.setattr(changes, "_delete", delete_at_second)
    assert changes.unsubscribe(row.public_id) and not Subscriber.objects.exists()
