"""What a channel is given to tell: one frozen value built from an incident, a transition and its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from probes.reasons import Reason, Status


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
class Subject:
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
    """Everything that any channel may say. `event` is trigger, resolve, note or acknowledge.

    `dedup_key` is the same for everything said of one incident. `missed` says why the alert that opened the
    incident never reached this channel; it is empty where it did.
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
    subject: Subject | None = None
    evidence: Evidence = field(default_factory=Evidence)
    note: str = ""
    missed: str = ""
    test: bool = False

    @property
    def name(self) -> str:
        """What the alert is about, in a few words."""
        return self.subject.name if self.subject else self.title

    @property
    def status(self) -> str:
        """The status that the subject has now, as this alert tells it."""
        if self.event == "resolve":
            return Status.UP.value
        return Status.DOWN.value if self.kind in ("outage", "heartbeat") else Status.DEGRADED.value


#: Reasons in words that need no manual at night.
REASON_WORDS = {
    Reason.OK: "answered normally",
    Reason.DNS_ERROR: "the name could not be resolved",
    Reason.REFUSED: "connection refused",
    Reason.RESET: "connection reset",
    Reason.UNREACHABLE: "network unreachable",
    Reason.TIMEOUT: "timed out",
    Reason.TLS_ERROR: "TLS handshake failed",
    Reason.CERTIFICATE_EXPIRED: "certificate expired",
    Reason.CERTIFICATE_EXPIRING: "certificate about to expire",
    Reason.CERTIFICATE_INVALID: "certificate not valid",
    Reason.PROTOCOL_ERROR: "answer was not valid HTTP",
    Reason.HTTP_4XX: "answered with a client error",
    Reason.HTTP_5XX: "answered with a server error",
    Reason.UNEXPECTED_STATUS: "answered with an unexpected status",
    Reason.BODY_MISMATCH: "answer lacks the expected text",
    Reason.AUTH: "the key was refused",
    Reason.QUOTA: "the quota is used up",
    Reason.CONFIG: "the request was refused as wrong",
    Reason.RATE_LIMITED: "rate limited",
    Reason.OVERLOADED: "overloaded",
    Reason.SLOW: "slow",
}


def reason_in_words(reason: str) -> str:
    """A reason as people say it; one without a phrase of its own reads as its name."""
    return REASON_WORDS.get(Reason(reason), reason.replace("_", " ")) if reason in set(Reason) else reason
