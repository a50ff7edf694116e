"""Alert rows: reads deliveries as alerts, with incident, transition and evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from vigil.alerts.core.decision import Event
from vigil.alerts.core.selftest import UNPROVEN
from vigil.alerts.oncall.ack_links import acknowledge_link
from vigil.alerts.wording.alert import Alert, AlertSubject, Evidence, ExcludedLine, VoteLine
from vigil.alerts.wording.vocabulary import foretold_template
from vigil.configuration import configuration
from vigil.incidents.core.composite import UNREADY
from vigil.incidents.core.model import IncidentKind, Step
from vigil.incidents.core.provider_outage import JOINT_KINDS, is_of_provider
from vigil.incidents.installation.quarantines import LOST_WAY
from vigil.incidents.models import Incident
from vigil.monitors.core.providers import name_of
from vigil.monitors.core.targets import target_of
from vigil.monitors.models import DerivedKind
from vigil.offers.alternatives import alternatives_of

DERIVED_KINDS = frozenset(DerivedKind.values)

# A digest needs no evidence, which is most of the data. Steps by the clock have none of their own: they use the last
# verdict.
_LOAD = """
SELECT d.id, d.public_id, d.event, d.leader_id, i.public_id, i.kind, i.title, i.failure, i.started_at, i.opened_at,
       t.step, t.reason, t.at, t.text,
       CASE WHEN d.leader_id IS NOT NULL OR d.tells > 1 THEN '{}'::jsonb
            WHEN d.event = 'trigger' AND t.evidence = '{}'::jsonb THEN coalesce((
                SELECT b.evidence FROM incidents_transition b
                WHERE b.incident_id = i.id AND b.seq < t.seq AND b.evidence <> '{}'::jsonb
                  AND b.reason <> 'provider_declared'
                ORDER BY b.seq DESC LIMIT 1), '{}'::jsonb)
            ELSE t.evidence END,
       team.name, m.public_id, m.name, m.kind, m.config, m.tags,
       CASE WHEN d.event <> 'trigger' AND d.leader_id IS NULL THEN (
           SELECT CASE WHEN bool_or(e.state = 'sent') THEN '' ELSE max(CASE WHEN e.state = 'dead'
                  THEN coalesce(nullif(e.last_error, ''), 'it could not be delivered') END) END
           FROM alerts_delivery e
           WHERE e.incident_id = d.incident_id AND e.channel_id = d.channel_id AND e.event = 'trigger' AND e.id < d.id
       ) END,
       c.public_id, i.cause_key, i.provider
FROM alerts_delivery d
JOIN alerts_channel c ON c.id = d.channel_id
JOIN incidents_incident i ON i.id = d.incident_id
JOIN incidents_transition t ON t.id = d.transition_id
JOIN accounts_team team ON team.id = d.team_id
LEFT JOIN monitors_monitor m ON m.id = i.monitor_id
WHERE d.id = ANY(%(ids)s) OR d.leader_id = ANY(%(leaders)s)
ORDER BY d.id
"""


class _Row(NamedTuple):
    """One delivery with its alert, in the column order of the query."""

    key: int
    delivery: str
    event: str
    leader: int | None
    incident: str
    kind: str
    title: str
    failure: str
    started_at: datetime
    opened_at: datetime
    step: str
    reason: str
    at: datetime
    text: str
    evidence: Any
    team: str
    monitor: str | None
    monitor_name: str
    monitor_kind: str
    config: Any
    tags: Sequence[str]
    missed: str | None
    channel: str
    cause: str
    provider: str


def alerts_of(ids: Sequence[int], leaders: Sequence[int] = ()) -> dict[int, list[Alert]]:
    """Alerts by delivery id: one for a single message, all members for the leader of a digest."""
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, {"ids": list(ids), "leaders": list(leaders)})
        rows = [_Row(*row) for row in cursor.fetchall()]
    alternatives = _alternatives(rows)
    found: dict[int, list[Alert]] = {}
    for row in rows:
        mine = found.setdefault(row.key if row.leader is None else row.leader, [])
        # The leader comes first: its delivery gives the message its id.
        mine.insert(0 if row.leader is None else len(mine), _alert(row, alternatives.get(row.incident, "")))
    return found


def _alternatives(rows: Sequence[_Row]) -> dict[str, str]:
    """For incidents that begin, by public id: who else serves the failing model now. Not in a digest."""
    begun = [row for row in rows if row.event == Event.TRIGGER and row.leader is None and row.kind in JOINT_KINDS]
    failing = {row.incident: [row.monitor] for row in begun if row.monitor}
    joint = [row.incident for row in begun if row.monitor is None and is_of_provider(row.cause)]
    if joint:
        members = Incident.objects.filter(part_of__public_id__in=joint, monitor__isnull=False).order_by("pk")
        for whole, monitor in members.values_list("part_of__public_id", "monitor__public_id"):
            failing.setdefault(whole, []).append(monitor)
    found = alternatives_of({monitor for monitors in failing.values() for monitor in monitors})
    return {
        incident: next((found[monitor] for monitor in monitors if monitor in found), "")
        for incident, monitors in failing.items()
    }


def _alert(row: _Row, alternative: str) -> Alert:
    base, evidence = configuration().base_url, _decoded(row.evidence)
    return Alert(
        delivery=row.delivery,
        event=row.event,
        dedup_key=row.incident,
        kind=row.kind,
        title=row.title,
        failure=row.failure,
        reason=row.reason,
        started_at=row.started_at,
        opened_at=row.opened_at,
        at=row.at,
        resolved_at=row.at if row.event == Event.RESOLVE else None,
        link=f"{base}/incidents/{row.incident}",
        team=row.team,
        subject=_subject(row),
        evidence=evidence_of(evidence),
        context=(*_context(row, evidence), *filter(None, (alternative,))),
        test=row.kind == IncidentKind.SELF_TEST,
        named=name_of(row.provider) if row.monitor is None and is_of_provider(row.cause) else "",
        note=row.text,
        missed=row.missed or "",
        acknowledge_link=acknowledge_link(row.incident, row.channel) if row.event == Event.TRIGGER else "",
        step=row.step,
        about=_about(row),
    )


def _about(row: _Row) -> str:
    """Name of the template, where the alert's kind does not decide it."""
    down = row.kind == IncidentKind.OUTAGE
    if row.monitor_kind == DerivedKind.COMPOSITE:
        evidence = _decoded(row.evidence)
        unready = isinstance(evidence, Mapping) and evidence.get("readiness") in UNREADY
        return "composite" if down else "unready" if unready else "fallback"
    foretold = foretold_template(row.kind, row.cause)
    if foretold:
        return foretold
    if row.monitor is None and is_of_provider(row.cause):
        return "provider" if down else "provider_degraded"
    if row.monitor is None and row.cause == LOST_WAY:
        return "lost_way"
    return "unproven" if row.cause.startswith(UNPROVEN) else ""


def _context(row: _Row, evidence: Any) -> tuple[str, ...]:
    """Context lines: monitors of a resolved provider incident, and the provider's own page."""
    if not isinstance(evidence, Mapping) or row.step not in (Step.OPENED, Step.CHANGED, Step.RESOLVED):
        return ()
    ended = str(evidence.get("explanation") or "") if _about(row) and row.event == Event.RESOLVE else ""
    return tuple(filter(None, (ended, str(evidence.get("witness") or ""))))


def _subject(row: _Row) -> AlertSubject | None:
    if row.monitor is None:
        return None
    tags = _decoded(row.tags) or ()
    # As `Monitor.target`, without loading a monitor for each of ten thousand rows.
    target = row.monitor_name if row.monitor_kind in DERIVED_KINDS else target_of(_decoded(row.config))
    return AlertSubject(row.monitor, row.monitor_name, target, row.monitor_kind, tuple(map(str, tags)))


def _decoded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def evidence_of(stored: Any) -> Evidence:
    """Evidence as stored with a transition: the fields of the verdict. Empty if nothing is stored."""
    if not isinstance(stored, Mapping) or not stored:
        return Evidence()
    votes = stored.get("votes") or []
    looks = max((int(vote.get("look") or 1) for vote in votes), default=1)
    decided = int(stored.get("decided_ms") or 0)
    excluded = [lost for lost in stored.get("excluded") or [] if int(lost.get("look") or 0) in (0, looks)]
    without_vote = {lost.get("region") for lost in excluded}
    # A round may be decided before every region has voted; the others show their vote of the round before.
    last = {vote.get("region"): vote for vote in sorted(votes, key=lambda vote: int(vote.get("look") or 1))}
    shown = [vote for region, vote in last.items() if region not in without_vote]
    return Evidence(
        n=int(stored.get("n") or 0),
        m=int(stored.get("m") or 0),
        k=int(stored.get("k") or 0),
        domains=int(stored.get("domains") or 0),
        votes=tuple(sorted((_vote(vote, decided) for vote in shown), key=_order)),
        excluded=tuple(
            ExcludedLine(str(lost.get("region")), str(lost.get("domain")), str(lost.get("why"))) for lost in excluded
        ),
        looks=looks,
        explanation=str(stored.get("explanation") or ""),
        rule=int(stored.get("rule") or 0),
    )


def _vote(vote: Mapping[str, Any], decided_ms: int) -> VoteLine:
    return VoteLine(
        region=str(vote.get("region")),
        domain=str(vote.get("domain")),
        status=str(vote.get("status")),
        reason=str(vote.get("reason")),
        detail=str(vote.get("detail") or ""),
        age_s=round(max(0, decided_ms - int(vote.get("at_ms") or 0)) / 1000, 1),
        attempts=int(vote.get("attempts") or 1),
        code=int(vote.get("code") or 0),
        total_ms=round(int((vote.get("phases") or {}).get("total_us") or 0) / 1000, 1),
    )


def _order(vote: VoteLine) -> tuple[bool, str]:
    return vote.passed, vote.region
