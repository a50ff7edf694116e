"""Access sweep of ingest: quotas and regions by the latest results, and the incidents of what they foretell."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import redis
from django.db import transaction
from django.db.models.functions import Now

from probes.process.isolation import Each, plainly
from probes.process.redis_streams import redis_now_ms
from vigil.access.core.headroom import Headroom
from vigil.access.core.latch import OFF, Latch, LatchTimes, turned
from vigil.access.core.points import Points, added
from vigil.access.core.region_access import Access, answered, most_are_kept_out, too_few_know
from vigil.access.headroom_rows import drop_headroom, step_headroom
from vigil.access.models import RegionAccess
from vigil.access.point_store import PointStore
from vigil.access.region_rows import drop_others, step_accesses
from vigil.access.subjects import AccessSubject, read_subjects
from vigil.incidents.composites import follow
from vigil.incidents.core.foretold import (
    FORETOLD,
    OF_REGIONS,
    Foretold,
    SeenAccess,
    next_move,
    of_headroom,
    of_regions,
)
from vigil.incidents.core.model import Move, Step
from vigil.incidents.models import Incident, MonitorState
from vigil.incidents.state_rows import MAIN_KINDS, load
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.incidents.write_steps import Ground, write_transition
from vigil.monitors.live.results import Latest, latest_results, quarantined_regions

SUBJECTS_EVERY_S = 60.0
#: Monitors of one turn: each key costs about 0.2 ms, and verdicts wait meanwhile.
AT_ONCE = 1_000
#: A monitor that its regions are served for so long, or for two intervals, is kept out no more (s).
SERVED_AFTER_S = 120.0


class AccessSweep:
    """Remembers which monitors it looks at; everything else is in PostgreSQL and Redis."""

    def __init__(self, client: redis.Redis, enqueue: EnqueueDeliveries, each: Each = plainly) -> None:
        self._redis, self._enqueue, self._each = client, enqueue, each
        self._store = PointStore(client)
        self._subjects: list[AccessSubject] = []
        self._served: dict[int, Latch] = {}
        self._read_at_s = -SUBJECTS_EVERY_S
        self._place = 0

    def run(self) -> None:
        """Step everything by what regions saw last, at the time of Redis; nothing while that does not answer."""
        self.run_at(redis_now_ms(self._redis))

    def run_at(self, now_ms: int) -> None:
        """The same at a time (ms since 1970)."""
        if time.monotonic() - self._read_at_s >= SUBJECTS_EVERY_S:
            self._read()
        held = quarantined_regions()
        if held is None:
            # Whose word counts is not known: everything stays as it is.
            return
        subjects = self._next()
        regions = sorted({region for one in subjects for region in one.regions} - held)
        latest = latest_results([one.public_id for one in subjects], regions)
        if not latest.available:
            return
        headrooms = step_headroom(subjects, self._points(subjects, latest, now_ms), latest, now_ms / 1000, held)
        accesses = step_accesses(subjects, latest, now_ms, held)
        told = Incident.objects.filter(cause_key__startswith=FORETOLD, kind__in=MAIN_KINDS, resolved_at=None)
        causes = {key: cause for key, cause in told.values_list("monitor_id", "cause_key") if key is not None}
        wanted = {}
        later = {one.pk for one in self._subjects} - {one.pk for one in subjects}
        for one in subjects:
            cause = causes.get(one.pk, "")
            seen = self._seen(one, accesses.get(one.place, {}), cause, (latest, now_ms))
            found = _wanted(one, seen, headrooms.get(one.pk))
            if cause.startswith(OF_REGIONS) and too_few_know({region: access for region, (access, _) in seen.items()}):
                # Nothing says that they are admitted.
                later.add(one.pk)
            elif found is not None:
                wanted[one.pk] = found
        keys = sorted((causes.keys() - later) | wanted.keys())
        self._each("foretell", keys, lambda key: _tell(key, wanted.get(key), self._enqueue), None)

    def _read(self) -> None:
        self._subjects = sorted(read_subjects(), key=lambda one: one.place)
        self._read_at_s = time.monotonic()
        known = {one.pk for one in self._subjects}
        self._served = {key: latch for key, latch in self._served.items() if key in known}
        drop_others(self._subjects)
        drop_headroom(self._subjects)
        self._store.keep_only({one.public_id for one in self._subjects})

    def _next(self) -> list[AccessSubject]:
        """Those of this turn: all of them, or the next of so many that one turn would take too long."""
        if self._place >= len(self._subjects):
            self._place = 0
        start, self._place = self._place, self._place + AT_ONCE
        return self._subjects[start : self._place]

    def _seen(
        self, one: AccessSubject, rows: Mapping[str, RegionAccess], cause: str, look: tuple[Latest, int]
    ) -> Mapping[str, SeenAccess]:
        """What each region may do for this monitor, with its evidence.

        A host may refuse one path or model and serve another. What a region is served for this monitor outweighs what
        its host refuses to others; once that is told, only when it has been so for a while.
        """
        latest, now_ms = look
        host = {region: (Access(row.access), row.evidence) for region, row in rows.items() if region in one.regions}
        served = answered(one.seen_in(latest), now_ms, one.interval_s)
        own = host | dict.fromkeys(served, (Access.MAY_USE, ""))
        out = bool(most_are_kept_out({region: access for region, (access, _) in own.items()}))
        times = LatchTimes(max(SERVED_AFTER_S, 2.0 * one.interval_s), 0.0)
        latch = self._served[one.pk] = turned(self._served.get(one.pk, OFF), not out, out, now_ms / 1000, times)
        return own if latch.on or not cause.startswith(OF_REGIONS) else host

    def _points(self, subjects: Sequence[AccessSubject], latest: Latest, now_ms: int) -> Mapping[str, Points]:
        """The points of these monitors, with the new ones stored."""
        points = self._store.read([one.public_id for one in subjects], now_ms)
        grown = {}
        for subject in subjects:
            name = subject.public_id
            points[name], grew = added(points.get(name, {}), subject.seen_in(latest), now_ms / 1000)
            if grew:
                grown[name] = points[name]
        self._store.write(grown, now_ms)
        return points


def _wanted(one: AccessSubject, seen: Mapping[str, SeenAccess], headroom: Headroom | None) -> Foretold | None:
    """What is to be told of a monitor: regions that are kept out before a quota that ends."""
    out = most_are_kept_out({region: access for region, (access, _) in seen.items()})
    found = of_regions(one.name, one.host, out, seen)
    return found if found is not None or headroom is None else of_headroom(one.name, one.host, headroom)


def _tell(key: int, wanted: Foretold | None, enqueue: EnqueueDeliveries) -> None:
    """Open or resolve the incident of one monitor, in one transaction with its deliveries and its composites."""
    with transaction.atomic():
        rows = MonitorState.objects.select_for_update(of=("self",)).select_related("monitor")
        row = rows.filter(pk=key).first()
        if row is None or (wanted is not None and (row.monitor.paused or row.monitor.deleted_at is not None)):
            return
        subject = load(row)
        incident = Incident.objects.filter(monitor=key, kind__in=MAIN_KINDS, resolved_at=None).first()
        move = next_move(subject.state, incident.cause_key if incident else "", wanted)
        if move is None:
            return
        if move.step is Step.OPENED and wanted is not None:
            _open(row, move, wanted, enqueue)
        elif incident is not None:
            write_transition(incident, move, enqueue)
        follow([key], enqueue)


def _open(row: MonitorState, move: Move, wanted: Foretold, enqueue: EnqueueDeliveries) -> None:
    # Without a provider: what is foretold is no part of an outage of one.
    incident = Incident.objects.create(
        team_id=row.monitor.team_id,
        monitor=row.monitor,
        kind=wanted.kind,
        cause_key=wanted.cause,
        title=wanted.title,
        failure=wanted.failure,
        started_at=Now(),
        opened_at=Now(),
    )
    incident.refresh_from_db()
    write_transition(incident, move, enqueue, Ground(text=wanted.text, evidence=wanted.evidence))
