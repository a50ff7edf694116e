"""State row mapping: database row to pure state and back, and the published belief."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db.models import F, Q

from consensus.verdicts import Belief, Dissent
from consensus.vocabulary import Observed
from probes.reasons import Status
from vigil.incidents.core.dissent import REGIONAL_ROUNDS
from vigil.incidents.core.lifecycle import belief
from vigil.incidents.core.model import BelievedState, IncidentKind
from vigil.incidents.models import Incident, MonitorState
from vigil.monitors.live.version import touch

#: Kinds of which a monitor has at most one open incident.
MAIN_KINDS = (IncidentKind.OUTAGE, IncidentKind.DEGRADED, IncidentKind.ACCOUNT, IncidentKind.HEARTBEAT)

#: Used to rebuild `believed`, which omits monitors that are simply up.
NOT_PLAINLY_UP = ~Q(status=Status.UP) | ~Q(dissent={}) | Q(blind=True)


@dataclass(slots=True)
class IncidentSubject:
    """A locked row, and the state to store."""

    row: MonitorState
    state: BelievedState


def load(row: MonitorState) -> IncidentSubject:
    """Pure state of a locked row, with the kind of its open incident."""
    open_kinds = Incident.objects.filter(monitor_id=row.monitor_id, kind__in=MAIN_KINDS, resolved_at=None)
    kind = open_kinds.values_list("kind", flat=True).first()
    return IncidentSubject(row, replace(state_of(row), open=IncidentKind(kind) if kind else None))


def store(subject: IncidentSubject) -> None:
    """Write the state to its row; the version grows by one."""
    row, state = subject.row, subject.state
    row.status = state.status
    row.account = state.account
    row.since = datetime.fromtimestamp(state.since_ms / 1000, UTC) if state.since_ms else None
    row.dissent = _dissent_row(state)
    row.passed_rounds = state.passed_rounds
    row.round_ms = state.round_ms
    row.flips_ms = list(state.flips_ms)
    row.regional = state.regional
    row.blind = state.blind
    row.flapping = state.flapping
    row.blind_cause = state.blind_cause
    row.verified_at = datetime.fromtimestamp(state.round_ms / 1000, UTC) if state.round_ms else None
    row.version = F("version") + 1
    row.save()
    touch(row.monitor.team_id)


def failing_regions(monitor: int) -> frozenset[str]:
    """Regions that see a monitor fail against the quorum: those that do so repeatedly, else all.

    One failure more in another region is no reason to tell what a silence holds. After an UNKNOWN verdict the rounds of
    all begin anew.
    """
    dissent = MonitorState.objects.filter(pk=monitor).values_list("dissent", flat=True).first() or {}
    failing = {region: int(each["rounds"]) for region, each in dissent.items() if each["saw"] == Observed.FAILING}
    lasting = frozenset(region for region, rounds in failing.items() if rounds >= REGIONAL_ROUNDS)
    return lasting or frozenset(failing)


def belief_of(row: MonitorState) -> Belief | None:
    """Published belief of a row; None for a monitor that is up in all regions."""
    return belief(state_of(row))


def state_of(row: MonitorState) -> BelievedState:
    """Pure state of a row, without the kind of its open incident."""
    return BelievedState(
        status=Status(row.status),
        since_ms=_ms(row.since),
        account=row.account,
        dissent={region: Dissent(Observed(each["saw"]), int(each["rounds"])) for region, each in row.dissent.items()},
        passed_rounds=row.passed_rounds,
        round_ms=row.round_ms,
        flips_ms=tuple(row.flips_ms),
        regional=row.regional,
        blind=row.blind,
        flapping=row.flapping,
        blind_cause=row.blind_cause,
    )


def store_dissent(subject: IncidentSubject, state: BelievedState) -> None:
    """Write the dissent of a state before its steps: what holds a regional alert depends on the regions."""
    MonitorState.objects.filter(pk=subject.row.pk).update(dissent=_dissent_row(state))


def _dissent_row(state: BelievedState) -> dict[str, dict[str, object]]:
    return {region: {"saw": each.saw.value, "rounds": each.rounds} for region, each in state.dissent.items()}


def _ms(at: datetime | None) -> int:
    return round(at.timestamp() * 1000) if at else 0
