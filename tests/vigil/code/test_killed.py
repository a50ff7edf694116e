"""A process that is killed while it applies a plan leaves nothing of it, and applying again makes no duplicate."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from django.db import connection

from tests.vigil.code.applying import applied, planned
from tests.vigil.code.core.test_document import BASE
from tests.waiting import until
from vigil.alerts.models import Channel
from vigil.code.apply import apply_plan
from vigil.code.models import ConfigurationPlan, ManagedObject
from vigil.monitors.models import Monitor

_WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'code_managedobject'::regclass"


@pytest.mark.django_db(transaction=True)
def test_a_killed_application_leaves_nothing_and_can_be_repeated() -> None:
    import psycopg

    plan = planned(BASE)
    url = os.environ["VIGIL_DATABASE_URL"].rsplit("/", 1)[0] + "/" + str(connection.settings_dict["NAME"])
    with psycopg.connect(url) as other:
        # It stops where every object is written and the ownership is not.
        other.execute("LOCK TABLE code_managedobject IN SHARE ROW EXCLUSIVE MODE")
        asked = [sys.executable, "-m", "vigil.cli", "apply", plan.public_id]
        process = subprocess.Popen(asked, env={**os.environ, "VIGIL_DATABASE_URL": url}, stdout=subprocess.DEVNULL)
        try:
            with connection.cursor() as cursor:
                until(lambda: cursor.execute(_WAITING) or cursor.fetchone()[0], "the application writes", 60)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(10)
    until(lambda: not _is_busy(), "the server ends the transaction")
    assert not Monitor.objects.exists() and not Channel.objects.exists() and not ManagedObject.objects.exists()
    assert ConfigurationPlan.objects.get().applied_at is None
    assert not apply_plan(plan.team, plan.public_id, "ann").before
    applied(BASE)
    assert (Monitor.objects.count(), Channel.objects.count(), ManagedObject.objects.count()) == (5, 1, 8)


def _is_busy() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        return bool(cursor.fetchone()[0])
