"""Judging of canaries (level-triggered, idempotent): brings each state in step with its last answers and its budget."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from probes.process.isolation import Each, plainly
from vigil.canaries.core.steps import canary_step
from vigil.canaries.core.window import CanaryAnswer, WindowStanding, judge_window, usual_reason, window_of
from vigil.canaries.core.wording import bad_answers_text
from vigil.canaries.models import Canary
from vigil.canaries.reading import month_of
from vigil.canaries.rows import answers_of, rule_of, spec_of, why_stopped
from vigil.canaries.telling import tell_stops
from vigil.clock import database_now
from vigil.incidents.composites import follow
from vigil.incidents.core.model import IncidentKind
from vigil.incidents.models import Incident, MonitorState
from vigil.incidents.state_rows import MAIN_KINDS, load, state_of, store
from vigil.incidents.timeline import EnqueueDeliveries
from vigil.incidents.write_steps import Ground, apply_effect
from vigil.notices.tell import EnqueueNotices

_NONE: frozenset[str] = frozenset()
Found = tuple[WindowStanding, Ground, int]


class CanarySweep:
    """Brings every canary in step, and tells of those that stop."""

    def __init__(self, enqueue: EnqueueDeliveries, enqueue_notices: EnqueueNotices, each: Each = plainly) -> None:
        self._enqueue = enqueue
        self._enqueue_notices = enqueue_notices
        self._each = each

    def run(self) -> frozenset[str]:
        """Returns the monitors whose state changed (public ids). States are read without a lock first: nearly always
        nothing has changed."""
        now = database_now()
        watched = Canary.objects.filter(
            monitor__deleted_at=None, monitor__paused=False, monitor__believed__isnull=False
        )
        rows = list(watched.select_related("monitor__believed"))
        if not rows:
            return _NONE
        found = {row.pk: _found(row, now) for row in rows}
        behind = _behind(rows, found)
        changed = self._each("canary", behind, lambda key: _bring_in_step(key, now, self._enqueue), _NONE)
        stopped = [row for row in rows if (one := found[row.pk]) is not None and one[0] is WindowStanding.STOPPED]
        if stopped:
            tell_stops(stopped, now, self._enqueue_notices)
        return frozenset(monitor for monitors in changed for monitor in monitors)


def _behind(rows: Collection[Canary], standings: Mapping[int, Found | None]) -> list[int]:
    """The canaries (keys) that a step would change."""
    open_now = Incident.objects.filter(monitor_id__in=[row.pk for row in rows], kind__in=MAIN_KINDS, resolved_at=None)
    kinds = {monitor: IncidentKind(kind) for monitor, kind in open_now.values_list("monitor_id", "kind")}
    behind = []
    for row in rows:
        found = standings[row.pk]
        state = replace(state_of(row.monitor.believed), open=kinds.get(row.pk))
        if found is not None and canary_step(state, found[0], 1) is not None:
            behind.append(row.pk)
    return behind


def _bring_in_step(key: int, now: datetime, enqueue: EnqueueDeliveries) -> frozenset[str]:
    with transaction.atomic():
        states = MonitorState.objects.select_for_update(of=("self",)).select_related("monitor__canary")
        row = states.filter(monitor_id=key, monitor__deleted_at=None, monitor__paused=False).first()
        found = _found(row.monitor.canary, now) if row is not None else None
        if row is None or found is None:
            return _NONE
        standing, ground, began_ms = found
        subject = load(row)
        before = state_of(row)
        effect = canary_step(subject.state, standing, round(now.timestamp() * 1000), began_ms)
        if effect is None:
            return _NONE
        apply_effect(subject, effect, enqueue, ground)
        store(subject)
        moved = [key] if subject.state != before else []
        return frozenset([row.monitor.public_id]) | follow(moved, enqueue)


def _found(row: Canary, now: datetime) -> Found | None:
    """What a canary's window says, on what ground, and since when (ms); None for a configuration that is none."""
    spec = spec_of(row.monitor)
    if spec is None:
        return None
    stopped = why_stopped(row, spec, month_of(now))
    if stopped:
        return WindowStanding.STOPPED, Ground(text=_sentence(stopped)), 0
    rule = rule_of(spec)
    window = window_of(answers_of(row), rule, row.monitor.revision)
    standing = judge_window(window, rule)
    bad = [one for one in window if one.bad]
    if standing not in (WindowStanding.BAD, WindowStanding.ACCOUNT):
        return standing, Ground(text=f"{len(window) - len(bad)} of the last {len(window)} answers were good."), 0
    ground = Ground(
        text=bad_answers_text(window, rule),
        evidence={"answers": [_evidence(one) for one in window], "bad_answers": rule.bad_answers},
        failure=usual_reason(bad).value,
    )
    return standing, ground, bad[0].slot_ms


def _evidence(answer: CanaryAnswer) -> dict[str, Any]:
    return {
        "at_ms": answer.slot_ms,
        "region": answer.region,
        "bad": answer.bad,
        "reason": answer.reason.value,
        "fault": answer.fault,
        "detail": answer.detail,
    }


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
