"""Incidents of the monitors on a page, as plain rows: one query, of which only open ones carry what they say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from vigil.incidents.core.foretold import FORETOLD
from vigil.incidents.core.model import IncidentKind, Step

#: Place of the evidence among the columns: JSON as text.
_EVIDENCE = 9
#: Of the newest incidents; a page of a hundred monitors has far fewer in ninety days.
INCIDENTS_MOST = 20_000

# Used: incident_of_monitor (the foreign key's index). Most rows are closed: of these only the times are wanted.
_READ = """
SELECT i.id, i.public_id, i.monitor_id, i.kind, i.title, i.started_at, i.opened_at, i.resolved_at,
       (SELECT max(t.at) FROM incidents_transition t WHERE t.incident_id = i.id AND t.step = %(changed)s),
       CASE WHEN i.resolved_at IS NULL THEN (
           SELECT t.evidence FROM incidents_transition t WHERE t.incident_id = i.id AND t.evidence ? 'votes'
           ORDER BY t.seq DESC LIMIT 1) END,
       coalesce(CASE WHEN i.resolved_at IS NULL THEN (
           SELECT t.text FROM incidents_transition t WHERE t.incident_id = i.id AND t.text <> ''
           ORDER BY t.seq DESC LIMIT 1) END, ''),
       coalesce(p.acknowledged_by, ''), p.acknowledged_at, p.snoozed_until, starts_with(i.cause_key, %(foretold)s)
FROM incidents_incident i LEFT JOIN alerts_pursuit p ON p.incident_id = i.id
WHERE i.monitor_id = ANY(%(monitors)s) AND (i.resolved_at IS NULL OR i.resolved_at > %(since)s)
      AND i.kind <> %(self_test)s
ORDER BY i.opened_at DESC LIMIT %(most)s
"""


@dataclass(frozen=True, slots=True)
class PageIncident:
    """An incident of a monitor on a page. `worsened` is when it became its present kind, if it opened as a milder one;
    `evidence` and `said` are its newest ones, while it is open."""

    pk: int
    public_id: str
    monitor_id: int
    kind: str
    title: str
    started_at: datetime
    opened_at: datetime
    resolved_at: datetime | None
    worsened: datetime | None
    evidence: dict[str, Any] | None
    said: str
    acknowledged_by: str
    acknowledged_at: datetime | None
    snoozed_until: datetime | None
    is_foretold: bool


def read_incidents(monitors: Sequence[int], since: datetime) -> list[PageIncident]:
    """Incidents that were open since then, newest first."""
    values: dict[str, Any] = {
        "monitors": list(monitors), "since": since, "changed": Step.CHANGED.value,
        "self_test": IncidentKind.SELF_TEST.value, "most": INCIDENTS_MOST,
        "foretold": FORETOLD,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_READ, values)
        rows = cursor.fetchall()
    return [_incident(row) for row in rows]


def _incident(row: Sequence[Any]) -> PageIncident:
    facts = list(row)
    facts[_EVIDENCE] = _decoded(facts[_EVIDENCE])
    return PageIncident(*facts)


def _decoded(evidence: object) -> dict[str, Any] | None:
    found = json.loads(evidence) if isinstance(evidence, str | bytes) else evidence
    return found if isinstance(found, dict) else None
