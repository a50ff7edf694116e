"""Simulated history for the checkers: verdicts, incidents, checks, records."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from consensus.verdicts import Round, Verdict
from probes.wire import Result
from vigil.incidents.core.model import BelievedState, IncidentKind, Move, Step

Order = tuple[str, str, int, str, int]


@dataclass(frozen=True, slots=True)
class Application:
    """A committed verdict: state before and after, and its steps."""

    at_ms: int
    verdict: Verdict
    before: BelievedState
    after: BelievedState
    moves: tuple[Move, ...]


@dataclass(slots=True)
class SimIncident:
    """One incident of a monitor, from opening to resolution."""

    monitor: str
    kind: IncidentKind
    opened_ms: int
    suspected_ms: int
    verdict: Verdict | None
    resolved_ms: int | None = None
    steps: list[tuple[int, Step]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Probe:
    """One check that a region ran."""

    region: str
    boot: int
    monitor: str
    at_ms: int
    started_ms: float
    round: str
    look: int


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote as written to its region's stream, and when."""

    region: str
    result: Result
    arrived_ms: int


@dataclass(slots=True)
class SimHistory:
    """Everything that is checked afterwards.

    `thorough`: every check is run and kept; else uneventful ones are only counted, and `planned` is the slots without
    those run.
    """

    thorough: bool = False
    checks: int = 0
    planned: int = 0
    rounds: dict[str, Round] = field(default_factory=dict)
    ballots: dict[str, list[Ballot]] = field(default_factory=dict)
    applied: list[Application] = field(default_factory=list)
    incidents: list[SimIncident] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    #: When a region first got an order of a monitor, in each of its lives.
    told: dict[tuple[str, str], dict[int, float]] = field(default_factory=dict)
    #: Checks whose result was written to a stream, and when last; and those in the database.
    written: dict[Order, int] = field(default_factory=dict)
    stored: set[Order] = field(default_factory=set)
    barred: dict[str, frozenset[str]] = field(default_factory=dict)
    sent: Counter[tuple[str, int]] = field(default_factory=Counter)
    #: When regions were found to have lost their way together, and which.
    lost: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)
    disturbed: list[tuple[float, float, str]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    _open: dict[tuple[str, str], SimIncident] = field(default_factory=dict)

    def apply(self, application: Application) -> None:
        """Add a committed verdict, and its incidents."""
        self.applied.append(application)
        for move in application.moves:
            self.move(application.verdict.monitor, move, application.at_ms, application.verdict)

    def move(self, monitor: str, move: Move, at_ms: int, verdict: Verdict | None) -> None:
        """Add a step of an incident."""
        family = move.kind if move.kind in (IncidentKind.REGIONAL, IncidentKind.BLIND) else "main"
        if move.step is Step.OPENED:
            incident = SimIncident(monitor, move.kind, at_ms, move.started_ms or at_ms, verdict)
            self.incidents.append(incident)
            self._open[monitor, family] = incident
        incident = self._open[monitor, family]
        incident.steps.append((at_ms, move.step))
        if move.step is Step.CHANGED:
            incident.kind = move.kind
        if move.step is Step.RESOLVED:
            incident.resolved_ms = at_ms
            del self._open[monitor, family]

    def of_monitor(self, monitor: str) -> list[SimIncident]:
        return [incident for incident in self.incidents if incident.monitor == monitor]
