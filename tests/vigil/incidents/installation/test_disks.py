"""A disk that is nearly full opens one incident for the operator, which ends with the shortage."""

from __future__ import annotations

import pytest

from vigil.alerts.outbox import enqueue
from vigil.incidents.core.disks import Disk
from vigil.incidents.installation.disks import CAUSE, note_disks
from vigil.incidents.models import Incident

pytestmark = pytest.mark.django_db
WELL, LOW = Disk("/data", 10**9, 5 * 10**8), Disk("/data", 10**9, 5 * 10**7)


def open_incidents() -> int:
    return Incident.objects.filter(cause_key=CAUSE, resolved_at=None).count()


def test_one_incident_is_open_while_a_disk_is_short_of_room() -> None:
    note_disks([WELL], enqueue)
    assert open_incidents() == 0
    for _ in range(2):
        note_disks([WELL, LOW], enqueue)
        assert open_incidents() == 1
    step = Incident.objects.get(cause_key=CAUSE).transitions.get()
    assert "The disk of /data is nearly full: 50.0 MB of 1.0 GB are free." in step.text
    note_disks([Disk("/data", 10**9, 110_000_000)], enqueue)
    assert open_incidents() == 1, "hardly more room is not enough"
    note_disks([WELL], enqueue)
    assert open_incidents() == 0
    assert [step.text for step in Incident.objects.get(cause_key=CAUSE).transitions.order_by("seq")][1:] == [
        "500.0 MB of 1.0 GB are free on the disk of /data."
    ]
