"""Model watch: one turn takes lists, tells what changed in them, and tells retirements that are due."""

from __future__ import annotations

from collections.abc import Collection

import redis
import structlog

from probes.process.duties import Duties
from probes.process.isolation import Each, plainly
from vigil.clock import database_now
from vigil.control_keys import published_keys
from vigil.model_watch import drifts
from vigil.model_watch.lists import ListIntake, forget_deleted
from vigil.model_watch.retirements import tell_retirements
from vigil.model_watch.tables import load_table
from vigil.monitors.live.results import quarantined_regions
from vigil.notices.tell import EnqueueNotices, forget

#: How often lists are taken, changes that have not settled are looked at, and dates are (s).
TAKE_S, SETTLE_S, DATES_S = 15.0, 60.0, 600.0
#: Dates are looked at sooner after a list with other rows, which may name one, but no more often than this (s).
AGAIN_S = 60.0
#: Lists that one turn looks at: other work of this thread waits for them.
LOOKED_MOST = 40

_log = structlog.get_logger(__name__)


class ModelWatch:
    """For one thread. `client` is asked for the lists; without Redis dates are told all the same."""

    def __init__(self, client: redis.Redis, enqueue: EnqueueNotices, each: Each = plainly) -> None:
        self._intake = ListIntake(client, published_keys(client))
        self._enqueue = enqueue
        #: What fails by itself, a monitor or a team, stops no other.
        self._each = each
        self._duties = Duties()
        self._are_new = False
        #: Monitors whose lists are to be looked at. The database has them too.
        self._waiting: set[int] = set()

    def turn(self) -> int:
        """Do what is due; returns how many notices were told."""
        if self._duties.is_due("settle", SETTLE_S):
            self._waiting |= drifts.waiting()
        takes, dates = self._duties.is_due("take", TAKE_S), self._duties.is_due("dates", DATES_S)
        if not (takes or dates or self._waiting):
            return 0
        held = quarantined_regions()
        if takes and held is not None:
            changed = self._taken(held)
            self._waiting |= changed
            self._are_new = self._are_new or bool(changed)
        told = 0
        if dates or (self._are_new and self._duties.is_due("dates again", AGAIN_S)):
            self._are_new = False
            forget(database_now())
            forget_deleted()
            told = tell_retirements(load_table().table, database_now(), self._enqueue, self._each, held or ())
        if held is None:
            # Whose lists count is not known: what waits goes on waiting.
            return told
        monitors = {self._waiting.pop() for _ in range(min(len(self._waiting), LOOKED_MOST))}
        return told + drifts.look_at(monitors, database_now(), self._enqueue, self._each, held)

    def _taken(self, held: Collection[str]) -> set[int]:
        try:
            return self._intake.take(held)
        except redis.RedisError as problem:
            # A worker tells each list again within the hour.
            _log.warning("redis.away", wanted="models lists", error=type(problem).__name__)
            return set()
