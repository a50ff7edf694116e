"""Routing tree: which routes match a step, and which channels and policies they name. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from vigil.alerts.core.decision import Concern, Why
from vigil.incidents.core.model import IncidentKind

#: What a notice is for routes: no incident, and the least severe.
NOTICE = "notice"

#: Kinds that alert without a route that names them.
PAGED_KINDS = frozenset(
    {
        IncidentKind.OUTAGE,
        IncidentKind.DEGRADED,
        IncidentKind.ACCOUNT,
        IncidentKind.HEARTBEAT,
        IncidentKind.SLO,
        IncidentKind.CHANNEL,
        IncidentKind.EXTERNAL,
    }
)
#: What a route may name as a kind.
ROUTE_KINDS = (*(kind.value for kind in IncidentKind), NOTICE)


class Severity(StrEnum):
    """Severity of an incident, worst first."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


_USUAL = {
    IncidentKind.OUTAGE: Severity.CRITICAL,
    IncidentKind.HEARTBEAT: Severity.ERROR,
    IncidentKind.ACCOUNT: Severity.ERROR,
    IncidentKind.DEGRADED: Severity.WARNING,
    IncidentKind.SLO: Severity.WARNING,
    IncidentKind.REGIONAL: Severity.WARNING,
    IncidentKind.BLIND: Severity.INFO,
    IncidentKind.SELF_TEST: Severity.INFO,
}
_SHIFTS = {"high": -1, "low": 1}


def severity_of(kind: str, priority: str = "normal") -> Severity:
    """The severity of an incident of this kind: high priority makes it one worse, low priority one better.

    A notice is quiet, whatever its monitor's priority.
    """
    if kind == NOTICE:
        return Severity.INFO
    scale = list(Severity)
    usual = scale.index(_USUAL.get(IncidentKind(kind), Severity.ERROR))
    return scale[max(0, min(len(scale) - 1, usual + _SHIFTS.get(priority, 0)))]


class Miss(StrEnum):
    """Why a route does not match."""

    KIND = "kind"
    MONITOR = "monitor"
    TAGS = "tags"
    PRIORITY = "priority"
    SEVERITY = "severity"
    HOURS = "hours"
    DECIDED_BEFORE = "decided_before"
    NOT_NEEDED = "not_needed"


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekly time window in a time zone. No days: every day; no times: all day.

    A window that ends before it starts crosses midnight and belongs to the day on which it starts.
    """

    days: frozenset[int] = frozenset()
    starts: time | None = None
    ends: time | None = None
    zone: str = "UTC"

    def hold(self, at: datetime) -> bool:
        """Whether the window includes a moment; Monday is day 0."""
        local = at.astimezone(ZoneInfo(self.zone))
        days = self.days or frozenset(range(7))
        if self.starts is None or self.ends is None or self.starts == self.ends:
            return local.weekday() in days
        clock = local.time()
        if self.starts < self.ends:
            return local.weekday() in days and self.starts <= clock < self.ends
        if clock >= self.starts:
            return local.weekday() in days
        return clock < self.ends and (local - timedelta(days=1)).weekday() in days


ALWAYS = Hours()


@dataclass(frozen=True, slots=True)
class RoutedSubject:
    """What routes match: the incident's kind, its monitor, and that monitor's tags and priority.

    `lost_way`: most regions have lost their way. It is worse than what one region sees, and pages.
    """

    kind: str
    monitor: int | None = None
    tags: frozenset[str] = frozenset()
    priority: str = "normal"
    lost_way: bool = False

    @property
    def severity(self) -> Severity:
        return Severity.CRITICAL if self.lost_way else severity_of(self.kind, self.priority)

    @property
    def pages(self) -> bool:
        """Whether routes that name no kind match it. A notice is told by them too, and pages nobody."""
        return self.lost_way or self.kind in PAGED_KINDS or self.kind == NOTICE


@dataclass(frozen=True, slots=True)
class RouteRule:
    """A route. An empty condition matches everything; `channels` are the keys of its enabled channels.

    `goes_on` continues with the next route. A default matches when no other did. `remind_s`: seconds between reminders
    until a person acknowledges, 0 for none.
    """

    channels: frozenset[int]
    name: str = ""
    kinds: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    priorities: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    monitor: int | None = None
    hours: Hours = ALWAYS
    goes_on: bool = False
    default: bool = False
    notes: bool = False
    policy: int | None = None
    remind_s: int = 0

    def miss(self, subject: RoutedSubject, at: datetime) -> Miss | None:
        """Why the rule does not match; None when it does."""
        asked = (
            (Miss.KIND, subject.kind in self.kinds if self.kinds else subject.pages),
            (Miss.MONITOR, self.monitor is None or self.monitor == subject.monitor),
            (Miss.TAGS, not self.tags or bool(self.tags & subject.tags)),
            (Miss.PRIORITY, not self.priorities or subject.priority in self.priorities),
            (Miss.SEVERITY, not self.severities or subject.severity in self.severities),
            (Miss.HOURS, self.hours.hold(at)),
        )
        return next((miss for miss, met in asked if not met), None)


@dataclass(frozen=True, slots=True)
class Considered:
    """A rule, and why it does not match."""

    rule: RouteRule
    miss: Miss | None


@dataclass(frozen=True, slots=True)
class Routing:
    """Result of routing: every rule considered, in order; channels and policies of the matching ones."""

    considered: tuple[Considered, ...] = ()
    concerned: Mapping[int, Concern] = field(default_factory=dict)

    @property
    def matched(self) -> tuple[RouteRule, ...]:
        return tuple(each.rule for each in self.considered if each.miss is None)

    @property
    def policies(self) -> tuple[int, ...]:
        """Escalation policies of the matching rules, without duplicates."""
        return tuple(dict.fromkeys(rule.policy for rule in self.matched if rule.policy is not None))

    @property
    def remind_s(self) -> int:
        """Shortest reminder interval of the matching rules, in seconds; 0 for none."""
        return min((rule.remind_s for rule in self.matched if rule.remind_s), default=0)

    @property
    def noted(self) -> frozenset[int]:
        """Channels that also get notes."""
        return frozenset(channel for rule in self.matched if rule.notes for channel in rule.channels)


def route(rules: Sequence[RouteRule], subject: RoutedSubject, at: datetime, everyone: frozenset[int]) -> Routing:
    """Match the rules in order, defaults last, until one matches that does not go on. Without rules, alert everyone."""
    if not rules:
        return Routing((), dict.fromkeys(everyone, Concern(Why.EVERYONE)) if subject.pages else {})
    considered: list[Considered] = []
    found = decided = False
    for rule in sorted(rules, key=lambda rule: rule.default):
        if decided or (rule.default and found):
            miss: Miss | None = Miss.DECIDED_BEFORE if decided else Miss.NOT_NEEDED
        else:
            miss = rule.miss(subject, at)
        considered.append(Considered(rule, miss))
        if miss is None:
            found, decided = True, not rule.goes_on
    concerned: dict[int, Concern] = {}
    for each in considered:
        if each.miss is None:
            for channel in each.rule.channels:
                concerned.setdefault(channel, Concern(Why.ROUTED, each.rule.name))
    return Routing(tuple(considered), concerned)


def route_all(
    rules: Sequence[RouteRule], subjects: Iterable[RoutedSubject], at: datetime, everyone: frozenset[int]
) -> Routing:
    """Routing of several subjects, merged; the last concern of a channel wins."""
    routings = [route(rules, subject, at, everyone) for subject in subjects]
    considered = tuple(each for routing in routings for each in routing.considered)
    return Routing(considered, {channel: why for routing in routings for channel, why in routing.concerned.items()})
