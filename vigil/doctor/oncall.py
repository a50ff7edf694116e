"""Findings about on call: routes without a channel, policies without a target, held alerts."""

from __future__ import annotations

from collections.abc import Iterator

from vigil.accounts.models import Team
from vigil.alerts.core.routes import route
from vigil.alerts.models import EscalationPolicy, Route
from vigil.alerts.routing.escalations import steps_of, targets_of
from vigil.alerts.routing.rules import load_rules, subject
from vigil.doctor.findings import ExaminationContext, Finding, note, problem, warning, well
from vigil.incidents.core.model import IncidentKind
from vigil.monitors.models import DerivedKind, Monitor
from vigil.silences.core.windows import current
from vigil.silences.models import Silence

#: Monitors per team; a broken route shows in some of them.
SAMPLE = 1_000
NAMED = 3


def routes(around: ExaminationContext) -> Iterator[Finding]:
    """Monitors whose outage would alert no one."""
    missed = False
    for team in Team.objects.filter(pk__in=Route.objects.filter(enabled=True).values("team")).order_by("slug"):
        rules, everyone = load_rules(team.pk)
        untold = []
        for monitor in Monitor.objects.filter(team=team, deleted_at=None, paused=False).order_by("pk")[:SAMPLE]:
            kind = IncidentKind.HEARTBEAT if monitor.kind == DerivedKind.HEARTBEAT else IncidentKind.OUTAGE
            routing = route(rules, subject(kind, monitor), around.now, everyone)
            if not (routing.concerned or routing.policies):
                untold.append(monitor.name)
        if untold:
            missed = True
            names = ", ".join(untold[:NAMED]) + (", ..." if len(untold) > NAMED else "")
            yield problem(
                f"Team {team.slug}: an outage of {len(untold)} monitors ({names}) would alert no one now.",
                "`manage.py whom NAME` shows why each route does not match. Add a default route.",
            )
    if not missed:
        yield well("Every monitor's outage would alert someone.")


def policies(around: ExaminationContext) -> Iterator[Finding]:
    """Steps of policies that reach no channel now."""
    for policy in EscalationPolicy.objects.filter(routes__enabled=True).distinct().order_by("pk"):
        reached = False
        for number, step in enumerate(steps_of(policy.pk), start=1):
            targets = targets_of(step, around.now)
            reached = reached or bool(targets.channels)
            if targets.nowhere:
                yield warning(
                    f"Policy {policy.name}, step {number}: {'; '.join(targets.nowhere)}.",
                    "Put a person on call, and give every person a channel.",
                )
        if not reached:
            yield problem(f"Policy {policy.name} would call no one now.", "Correct its steps: routes use it.")


def silences(around: ExaminationContext) -> Iterator[Finding]:
    """Alerts held now, so that a silence is not mistaken for health."""
    for silence in Silence.objects.filter(valid_until=None).order_by("pk"):
        window = current(silence.schedule, around.now)
        if window is not None and (silence.mutes or silence.pauses):
            what = "pauses the checks" if silence.pauses else "holds alerts"
            about = "every monitor" if silence.every_monitor else "some monitors"
            if silence.regions:
                what, about = "holds regional alerts", f"{about} in {', '.join(silence.regions)}"
            until = f"{window.ends:%Y-%m-%d %H:%M} UTC"
            yield note(f"Silence {silence.name} {what} of {about} until {until}.", "`manage.py silence end NAME`.")
