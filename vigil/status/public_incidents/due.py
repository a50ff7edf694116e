"""What becomes public by itself: updates whose moment has come, maintenance that begins or ends, and the rules.

Each change is one transaction that looks again behind its lock: any process may be killed at any line, and two of them
make one change.
"""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial

from django.db import transaction

from probes.process.isolation import Isolation
from vigil.status.core.languages import words_of
from vigil.status.core.states import UpdateState
from vigil.status.incident_models import ScheduledMaintenance
from vigil.status.models import PublicIncident, PublicUpdate
from vigil.status.public_incidents.automation import apply_rules, pages_with_rules
from vigil.status.public_incidents.core.maintenance import can_follow, state_at
from vigil.status.public_incidents.planned import window_of
from vigil.status.public_incidents.updates import add_update, lock_incident, publish_update

#: Changes of one turn, and how often rules are looked through (s).
CHANGES_MOST, RULES_S = 200, 5.0


class DuePublications:
    """One turn after another; what fails alone twice is a dead letter, and holds up no other."""

    def __init__(self, isolation: Isolation) -> None:
        self._isolation = isolation
        self._rules_again_s = 0.0

    def turn(self, now: datetime) -> int:
        """Publish what is due at `now`, the database's time; returns how many changes were made."""
        made = 0
        waiting = PublicUpdate.objects.filter(publish_at__lte=now).order_by("publish_at", "pk")
        for key in list(waiting.values_list("pk", flat=True)[:CHANGES_MOST]):
            made += self._isolation.attempt("update", partial(publish_waiting, key, now), 0, str(key))
        planned = ScheduledMaintenance.objects.filter(due_at__lte=now).order_by("due_at", "pk")
        for key in list(planned.values_list("pk", flat=True)[:CHANGES_MOST]):
            made += self._isolation.attempt("maintenance", partial(move_maintenance, key, now), 0, str(key))
        if time.monotonic() < self._rules_again_s:
            return made
        self._rules_again_s = time.monotonic() + RULES_S
        for page in pages_with_rules():
            made += self._isolation.attempt("rules", partial(apply_rules, page, now), 0, page.public_id)
        return made


def publish_waiting(key: int, now: datetime) -> bool:
    """Publish an update that waits, or hold it back where its state cannot come next by then, as over what is over.

    What a person, or the window of planned work, has said meanwhile stays: nobody looks at what publishes itself.
    """
    with transaction.atomic():
        update = PublicUpdate.objects.select_related("incident__page").filter(pk=key).first()
        if update is None:
            return False
        lock_incident(update.incident)
        # Behind the lock: another process may have done it, or a person changed it.
        stored = PublicUpdate.objects.filter(pk=key, publish_at__lte=now).first()
        if stored is None:
            return False
        row = update.incident
        said = UpdateState(row.state) if row.published_at is not None else None
        if row.resolved_at is not None or not can_follow(said, UpdateState(stored.state)):
            PublicUpdate.objects.filter(pk=key).update(publish_at=None, held_at=now)
            return False
        publish_update(row, stored)
    return True


def move_maintenance(key: int, now: datetime) -> bool:
    """Say that planned work has begun, or is completed, where its window says so."""
    with transaction.atomic():
        row = PublicIncident.objects.select_related("page").filter(pk=key).first()
        if row is None:
            return False
        lock_incident(row)
        maintenance = ScheduledMaintenance.objects.filter(pk=key, due_at__lte=now).first()
        if maintenance is None or row.published_at is None:
            return False
        state = state_at(UpdateState(row.state), window_of(maintenance), now)
        if state == row.state:
            return False
        add_update(row, {"state": state, "text": words_of(row.page.language).first.maintenance[state]}, by_rule=True)
    return True
