"""A sender that is killed at any line repeats no letter whose acceptance it had noted, and loses none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.vigil.status.subscribing import incident_of, mail_server, page_of, subscriber, tell_all
from vigil.status.letters.crashpoints import LetterCrashPoint
from vigil.status.subscriber_models import SubscriberLetter

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]

#: The instant between an answer's arrival and its note: the one place where a letter goes twice.
_UNPROVEN = LetterCrashPoint.ACCEPTED


def test_a_kill_at_any_line_loses_no_letter_and_repeats_none_that_was_noted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with mail_server(monkeypatch, DATA_DIR=str(tmp_path)) as server:
        for number, point in enumerate(LetterCrashPoint):
            page = page_of(f"acme-{number}")
            subscriber(page, f"{point.value}@example.test")
            incident_of(page)
            assert killed_at(point) == -9
            tell_all()
        expected = {f"{point.value}@example.test": 2 if point is _UNPROVEN else 1 for point in LetterCrashPoint}
        assert server.by_recipient == expected and len(server.by_id) == len(expected)
    assert not SubscriberLetter.objects.exclude(state="sent").exists()


def killed_at(point: LetterCrashPoint) -> int:
    """One life of a real `deliver` on the database of this test, which kills itself there."""
    name = connection.settings_dict["NAME"]
    url = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0] + f"/{name}"
    ours = {"VIGIL_DATABASE_URL": url, "VIGIL_HEALTH_PORT": "0", "VIGIL_CRASH_AT": f"{point.value}:1"}
    command = [sys.executable, "-m", "vigil.cli", "run", "deliver"]
    return subprocess.run(command, env={**os.environ, **ours}, timeout=120).returncode
