"""What there is to tell: an alert (one step of one incident) and a digest (many of them in one message)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from probes.reasons import Status

#: Kinds of incidents in which the subject does not serve at all.
DOWN_KINDS = frozenset({"outage", "heartbeat", "composite", "provider"})


@dataclass(frozen=True, slots=True)
class VoteLine:
    """One region's last vote in the round. `age_s` is its age when the verdict was reached."""

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
    """A region that had no vote, and why."""

    region: str
    domain: str
    why: str


@dataclass(frozen=True, slots=True)
class AlertSubject:
    """The monitor that an alert is about."""

    id: str
    name: str
    target: str
    kind: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why the decision is what it is: n regions assigned, m voted, k of them are a quorum, in `domains` domains."""

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
    """Everything that any channel may say. `event` is trigger, acknowledge, resolve or note.

    `dedup_key` is the same for everything said of one incident. `missed` says why the alert that opened the
    incident never reached this channel; it is empty where it did. `context` is what else is known, line by line: what
    the provider's own status page says, which alerts are held back. `reference` is what the receiver called the
    first message of this incident, if it gave it a name. `step` is the step of the incident that is told.
    `named` is what it is about where that is no monitor: a provider.
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

    @property
    def template(self) -> str:
        """Whose words tell it: its kind's, unless it is about something that has words of its own."""
        return self.about or self.kind

    @property
    def name(self) -> str:
        """What the alert is about, in a few words."""
        return self.named or (self.subject.name if self.subject else self.title)

    @property
    def status(self) -> str:
        """The status that the subject has now, as this alert tells it."""
        if self.event == "resolve":
            return Status.UP.value
        return Status.DOWN.value if self.kind in DOWN_KINDS else Status.DEGRADED.value


@dataclass(frozen=True, slots=True)
class Digest:
    """Many incidents in one message, gathered because one cause or one flood brought them.

    `key` is the dedup key under which a receiver that keeps alerts keeps this one; `closes` says that with this
    message nothing told under that key is open any more. `cause` is what they share, in words.
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
