"""Demo judge: events, expected events, and the JSON report. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Chapter(StrEnum):
    """Steps of the story, in the required order."""

    STARTED = "started"
    HEALTHY = "healthy"
    BLINDED = "blinded"
    NOTED = "noted"
    FAULT = "fault"
    ALERTED = "alerted"
    RECOVERY = "recovery"
    RESOLVED = "resolved"
    QUIET = "quiet"


_MISSING = {
    Chapter.STARTED: "the system did not start",
    Chapter.HEALTHY: "not every region saw the provider healthy",
    Chapter.BLINDED: "the region was not blinded",
    Chapter.NOTED: "the blinded region was not noted as a regional incident",
    Chapter.FAULT: "the provider was not made to fail",
    Chapter.ALERTED: "the provider failed and no alert came",
    Chapter.RECOVERY: "the provider was not brought back",
    Chapter.RESOLVED: "the provider came back and no resolve came",
    Chapter.QUIET: "the story was cut short before it was known to be over",
}


class AlertKind(StrEnum):
    """Kind of a delivery; UNREADABLE if it is not one of our alerts."""

    TRIGGER = "trigger"
    NOTE = "note"
    RESOLVE = "resolve"
    UNREADABLE = "unreadable"


_KINDS = {
    "incident.triggered": AlertKind.TRIGGER,
    "incident.note": AlertKind.NOTE,
    "incident.resolved": AlertKind.RESOLVE,
}


class SeenVote(msgspec.Struct, frozen=True):
    """A vote in an alert."""

    region: str
    domain: str
    status: str
    reason: str
    counted: bool = True


class SeenAlert(msgspec.Struct, frozen=True):
    """A delivery as received; `dedup_key` identifies the incident, `monitor` is the monitor's name."""

    at_ms: int
    kind: AlertKind
    delivery: str
    dedup_key: str
    verified: bool
    votes: list[SeenVote] = []
    monitor: str = ""


class _Subject(msgspec.Struct, frozen=True):
    name: str = ""


class _Body(msgspec.Struct, frozen=True):
    type: str
    dedup_key: str = ""
    votes: list[SeenVote] = []
    monitor: _Subject | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """One event, in words; `chapter` is set for judged steps."""

    at_ms: int
    what: str
    chapter: Chapter | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """A region of the demo and its failure domain."""

    region: str
    domain: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything to judge. Times are ms since the epoch; 0 for none."""

    started_ms: int
    seats: Sequence[Seat]
    marks: Sequence[Mark]
    alerts: Sequence[SeenAlert]
    first_failure_ms: int = 0
    verdict_ms: int = 0


def alerts_of(received: Mapping[str, object]) -> list[SeenAlert]:
    """Alerts in an entry of the receiver's list: one, or those of a digest, without votes."""
    body = received["body"]
    told = body.get("incidents") if isinstance(body, dict) else None
    if not isinstance(told, list):
        return [alert_of(received)]
    event = str(body["type"]).replace("incidents.", "incident.") if isinstance(body, dict) else ""
    each = ({"type": event, "dedup_key": one["id"], "monitor": one.get("monitor")} for one in told)
    return [alert_of({**received, "body": one}) for one in each]


def alert_of(received: Mapping[str, object]) -> SeenAlert:
    """Alert in an entry of the receiver's list."""
    at_ms, delivery = int(str(received["received_ms"])), str(received["id"])
    verified = received["verified"] is True
    try:
        body = msgspec.convert(received["body"], _Body)
    except msgspec.ValidationError:
        return SeenAlert(at_ms, AlertKind.UNREADABLE, delivery, "", verified)
    kind = _KINDS.get(body.type, AlertKind.UNREADABLE)
    name = body.monitor.name if body.monitor else ""
    return SeenAlert(at_ms, kind, delivery, body.dedup_key, verified, body.votes, name)


def once_each(alerts: Sequence[SeenAlert]) -> list[SeenAlert]:
    """Alerts without repeated deliveries: a retry is allowed, a different text is not."""
    first: dict[tuple[str, str], SeenAlert] = {}
    for alert in sorted(alerts, key=lambda alert: alert.at_ms):
        first.setdefault((alert.delivery or f"no id {alert.at_ms}", alert.dedup_key), alert)
    return list(first.values())


def broken(story: Story) -> list[str]:
    """All broken expectations; empty if the story held."""
    alerts = once_each(story.alerts)
    problems = _missing_chapters(story)
    problems += [f"a delivery at {alert.at_ms} carried no valid signature" for alert in alerts if not alert.verified]
    problems += _of_triggers(story, [alert for alert in alerts if alert.kind is AlertKind.TRIGGER])
    problems += _of_resolves(story, alerts)
    others = [alert for alert in alerts if alert.kind not in (AlertKind.TRIGGER, AlertKind.RESOLVE)]
    problems += [f"an unexpected {alert.kind} was delivered" for alert in others]
    return problems


def instant(story: Story, chapter: Chapter) -> int:
    """Time of a step, or 0."""
    return next((mark.at_ms for mark in story.marks if mark.chapter is chapter), 0)


def _missing_chapters(story: Story) -> list[str]:
    marks = [mark for mark in story.marks if mark.chapter is not None]
    present = [mark.chapter for mark in marks]
    for chapter in Chapter:
        if chapter not in present:
            return [_MISSING[chapter]]
    if present != list(Chapter) or any(a.at_ms > b.at_ms for a, b in itertools.pairwise(marks)):
        return ["the steps did not happen in their order"]
    return []


def _of_triggers(story: Story, triggers: Sequence[SeenAlert]) -> list[str]:
    fault_ms = instant(story, Chapter.FAULT)
    problems = []
    if len(triggers) > 1:
        problems.append(f"{len(triggers)} triggers for one outage")
    early = [alert for alert in triggers if not fault_ms or alert.at_ms < fault_ms]
    if early and instant(story, Chapter.BLINDED):
        problems.append("an alert was sent while only one region was blinded")
    elif early:
        problems.append("an alert was sent while everything was healthy")
    return problems + [problem for alert in triggers for problem in _of_votes(story, alert.votes)]


def _of_votes(story: Story, votes: Sequence[SeenVote]) -> list[str]:
    domains = {seat.region: seat.domain for seat in story.seats}
    if not votes:
        return ["the alert carried no votes"]
    if len({vote.region for vote in votes}) != len(votes):
        return ["a region appears twice among the votes"]
    if any(domains.get(vote.region) != vote.domain for vote in votes):
        return ["the votes name a region or domain that is not in the story"]
    counted = [vote for vote in votes if vote.counted]
    failing = [vote for vote in counted if vote.status == "down"]
    if 2 * len(failing) <= len(counted) or 2 * len(failing) <= len(domains):
        return [f"only {len(failing)} of {len(domains)} regions voted down"]
    if 2 * len({vote.domain for vote in failing}) <= len({vote.domain for vote in counted}):
        return ["the failing votes do not span more than half of the domains"]
    return []


def _of_resolves(story: Story, alerts: Sequence[SeenAlert]) -> list[str]:
    resolves = [alert for alert in alerts if alert.kind is AlertKind.RESOLVE]
    recovery_ms = instant(story, Chapter.RECOVERY)
    problems = []
    if len(resolves) > 1:
        problems.append(f"{len(resolves)} resolves for one outage")
    if any(not recovery_ms or alert.at_ms < recovery_ms for alert in resolves):
        problems.append("a resolve was sent before the provider came back")
    triggered = {alert.dedup_key for alert in alerts if alert.kind is AlertKind.TRIGGER}
    if any(alert.dedup_key not in triggered for alert in resolves):
        problems.append("a resolve names another incident than the trigger")
    return problems


def _seconds(later_ms: int, earlier_ms: int) -> float | None:
    return round((later_ms - earlier_ms) / 1000, 3) if later_ms and earlier_ms else None


def tell(story: Story) -> dict[str, object]:
    """JSON object of `demo --json`; times in seconds, `t` from the start."""
    alerts = once_each(story.alerts)
    problems = broken(story)
    fault_ms = instant(story, Chapter.FAULT)
    first = {kind: next((alert.at_ms for alert in alerts if alert.kind is kind), 0) for kind in AlertKind}

    def since_start(at_ms: int) -> float:
        return round((at_ms - story.started_ms) / 1000, 3)

    return {
        "held": not problems,
        "broken": problems,
        "regions": [{"region": seat.region, "domain": seat.domain} for seat in story.seats],
        "events": [{"t": since_start(mark.at_ms), "what": mark.what} for mark in story.marks],
        "alerts": [
            {"t": since_start(alert.at_ms), "kind": alert.kind, "votes": msgspec.to_builtins(alert.votes)}
            for alert in alerts
        ],
        "fault_to_first_failure_s": _seconds(story.first_failure_ms, fault_ms),
        "fault_to_verdict_s": _seconds(story.verdict_ms, fault_ms),
        "fault_to_alert_s": _seconds(first[AlertKind.TRIGGER], fault_ms),
        "recovery_to_resolve_s": _seconds(first[AlertKind.RESOLVE], instant(story, Chapter.RECOVERY)),
    }
