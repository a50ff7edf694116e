"""Alert values: an alert (one step of one incident) and a digest (several in one message)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from probes.reasons import Status
from vigil.alerts.wording.vocabulary import job_template

#: Kinds that mean the subject does not work at all.
DOWN_KINDS = frozenset({"outage", "heartbeat", "composite", "provider"})


@dataclass(frozen=True, slots=True)
class VoteLine:
    """A region's last vote in the round. `age_s` is its age at the verdict."""

    region: str
    domain: str
    status: str
    reason: str
    detail: str = ""
    age_s: float = 0.0
    attempts: int = 1
    code: int = 0
    total_ms: float = 0.0
    counted: bool = True

    @property
    def passed(self) -> bool:
        return self.status == Status.UP


@dataclass(frozen=True, slots=True)
class ExcludedLine:
    """A region without a vote, and why."""

    region: str
    domain: str
    why: str


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """The monitor of an alert."""

    id: str
    name: str
    target: str
    kind: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of a verdict: n regions assigned, m voted, k are a quorum, in `domains` failure domains."""

    n: int = 0
    m: int = 0
    k: int = 0
    domains: int = 0
    votes: tuple[VoteLine, ...] = ()
    excluded: tuple[ExcludedLine, ...] = ()
    looks: int = 1
    explanation: str = ""
    rule: int = 0

    @property
    def failing(self) -> tuple[VoteLine, ...]:
        return tuple(vote for vote in self.votes if not vote.passed)

    @property
    def passing(self) -> tuple[VoteLine, ...]:
        return tuple(vote for vote in self.votes if vote.passed)


@dataclass(frozen=True, slots=True)
class Alert:
    """Everything a channel may show. `event` is trigger, acknowledge, resolve, note or notice.

    A notice is of no incident: `dedup_key` is its own id, `reason` its kind, `before` and `after` what changed.
    `dedup_key` identifies the incident. `missed` is why the trigger never reached this channel, else empty. `context`
    lists further facts: the provider's status page, held alerts. `reference` is the receiver's id of the first message
    of this incident. `step` is the step shown. `named` is the subject where it is no monitor: a provider.
    """

    delivery: str
    event: str
    dedup_key: str
    kind: str
    title: str
    failure: str
    reason: str
    started_at: datetime
    opened_at: datetime
    at: datetime
    link: str
    team: str = ""
    resolved_at: datetime | None = None
    subject: AlertSubject | None = None
    evidence: Evidence = field(default_factory=Evidence)
    note: str = ""
    missed: str = ""
    test: bool = False
    acknowledge_link: str = ""
    context: tuple[str, ...] = ()
    reference: str = ""
    step: str = ""
    about: str = ""
    named: str = ""
    before: str = ""
    after: str = ""

    @property
    def template(self) -> str:
        """Name of the template: the kind, unless the subject has its own; of a job by how it failed."""
        return self.about or (job_template(self.failure) if self.kind == "heartbeat" else self.kind)

    @property
    def name(self) -> str:
        """Short name of the subject."""
        return self.named or (self.subject.name if self.subject else self.title)

    @property
    def status(self) -> str:
        """Status of the subject after this step."""
        if self.event == "resolve":
            return Status.UP.value
        return Status.DOWN.value if self.kind in DOWN_KINDS else Status.DEGRADED.value


@dataclass(frozen=True, slots=True)
class Digest:
    """Several incidents in one message, grouped by a common cause or a flood.

    `key` is the dedup key of the group; `closes`: after this message nothing under that key is open. `cause` is the
    group's label.
    """

    delivery: str
    event: str
    key: str
    alerts: tuple[Alert, ...]
    at: datetime
    link: str
    cause: str = ""
    closes: bool = False
    open_left: int = 0
