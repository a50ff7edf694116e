"""Words of routing: a route as a sentence, and why a route or a channel is part of a preview."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from vigil.alerts.core.decision import Choice
from vigil.alerts.core.routes import Miss
from vigil.alerts.models import Route
from vigil.alerts.wording.text import clock, duration

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MISSES = {
    Miss.KIND: "another kind",
    Miss.MONITOR: "another monitor",
    Miss.TAGS: "none of its tags",
    Miss.PRIORITY: "another priority",
    Miss.SEVERITY: "another severity",
    Miss.HOURS: "outside its hours",
    Miss.DECIDED_BEFORE: "a route before it matched",
    Miss.NOT_NEEDED: "only if no other route matches",
}


def when(route: Route) -> str:
    """What a route asks for: `an outage or a heartbeat, with the tag ai, Mon to Fri`."""
    parts = [either([_plain(kind) for kind in route.kinds]) or "anything that pages, or a notice"]
    if route.monitor:
        parts.append(f"of {route.monitor.name}")
    if route.tags:
        parts.append(f"tagged {either(route.tags)}")
    if route.priorities:
        parts.append(f"of {either(route.priorities)} priority")
    if route.severities:
        parts.append(f"of severity {either(route.severities)}")
    if route.days:
        parts.append("on " + ", ".join(_DAYS[day] for day in sorted(route.days)))
    if route.starts and route.ends:
        parts.append(f"from {route.starts:%H:%M} to {route.ends:%H:%M} {route.zone}")
    return ", ".join(parts)


def tells(route: Route) -> str:
    """Whom a route tells: `Ops Slack and Mail, then the policy Primary; again every 15 min`."""
    names = [channel.name if channel.enabled else f"{channel.name} (off)" for channel in route.channels.all()]
    told = _both(names)
    if route.policy:
        told = f"{told}, then the policy {route.policy.name}" if told else f"the policy {route.policy.name}"
    again = f"; again every {duration(timedelta(seconds=route.remind_s))}" if route.remind_s else ""
    return f"{told or 'no one'}{again}"


def why(choice: Choice) -> str:
    """Why a channel is told: `route: AI`."""
    reason = choice.concern.why.replace("_", " ")
    return f"{reason}: {choice.concern.because}" if choice.concern.because else reason


def held(choice: Choice) -> str:
    """What holds a message back; empty if nothing does."""
    if choice.hold is None:
        return ""
    until = f" until {clock(choice.hold.until)}" if choice.hold.until else ""
    by = f" by {choice.hold.by}" if choice.hold.by else ""
    return f"held now: {choice.hold.reason.replace('_', ' ')}{by}{until}"


def either(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def _both(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def _plain(word: str) -> str:
    return word.replace("_", " ")
