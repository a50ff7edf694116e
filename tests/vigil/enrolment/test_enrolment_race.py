"""Workers that enrol with one code at the same moment: one of them wins."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from tests.vigil.enrolment.enrolling import ask, code_of, signing_key, worker
from vigil.enrolment.codes import issue
from vigil.enrolment.models import RedisAccess
from vigil.monitors.models import Region

KEYS = (b"a", b"b", b"c", b"d")


@pytest.mark.django_db(transaction=True)
def test_s17_of_workers_that_use_one_code_at_once_one_is_enrolled(region: Region) -> None:
    code, together = code_of(issue(region)), threading.Barrier(len(KEYS))

    def attempt(key: bytes) -> tuple[int, dict[str, Any]]:
        together.wait(20)
        try:
            return ask(code, key)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(KEYS)) as pool:
        answers = dict(zip(KEYS, pool.map(attempt, KEYS), strict=True))
    assert sorted(status for status, _ in answers.values()) == [200, 409, 409, 409]
    [winner] = [key for key, (status, _) in answers.items() if status == 200]
    assert bytes(Region.objects.get().signing_key or b"") == signing_key(winner).public
    assert RedisAccess.objects.get().revision == 1
    with worker(answers[winner][1]) as client:
        assert client.ping()
