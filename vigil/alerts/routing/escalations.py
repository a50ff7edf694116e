"""Starting, resting and ending the pursuit of somebody who takes an incident on. Inside the incident's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from vigil.alerts.core.decision import Concern, Why
from vigil.alerts.core.escalation import EscalationPosition, after, delay_s, immediate
from vigil.alerts.core.routes import Routing
from vigil.alerts.models import Escalation, EscalationStep, Pursuit
from vigil.alerts.routing.targets import policy_name, steps_of, targets_of
from vigil.incidents.models import Incident


def begin(incident: Incident, routing: Routing, at: datetime) -> dict[int, Concern]:
    """Pursue an incident that has opened or got worse; returns whom the first steps of its policies concern.

    A worse kind is another thing than what was acknowledged. A policy that is under way goes on where it is.
    """
    if not (routing.policies or routing.remind_s):
        if incident.steps > 1:
            Pursuit.objects.filter(pk=incident.pk).update(acknowledged_at=None, acknowledged_by="", snoozed_until=None)
        return {}
    pursuit, _ = Pursuit.objects.get_or_create(incident=incident)
    rested = pursuit.acknowledged_at is not None
    _wake(pursuit, routing.remind_s or pursuit.remind_s, at)
    known = Escalation.objects.filter(incident=incident).values_list("policy_id", flat=True)
    policies = [policy for policy in routing.policies if rested or policy not in set(known)]
    return start_policies(incident, {*policies, *(known if rested else ())}, at)


def start_policies(incident: Incident, policies: Iterable[int], at: datetime) -> dict[int, Concern]:
    """Begin these policies from their first step; returns whom the steps that wait for nothing concern."""
    concerned: dict[int, Concern] = {}
    for policy in sorted(policies):
        steps = steps_of(policy)
        concern = Concern(Why.ON_CALL, policy_name(policy))
        now = immediate([step.delay_s for step in steps])
        reached = frozenset[int]().union(*(targets_of(steps[index], at).channels for index in now))
        concerned |= dict.fromkeys(reached, concern)
        place = (
            after(EscalationPosition(len(now) - 1), len(steps), _repeats(steps))
            if now
            else (EscalationPosition() if steps else None)
        )
        due_at = at + timedelta(seconds=delay_s(place, [step.delay_s for step in steps])) if place else None
        if due_at and now and not reached:
            # The first steps lead nowhere: the next one does not wait for them.
            due_at = at
        Escalation.objects.update_or_create(
            incident=incident,
            policy_id=policy,
            defaults={"rung": place.rung if place else 0, "round": place.round if place else 0, "due_at": due_at},
        )
    return concerned


def wake(incident: Incident, at: datetime) -> dict[int, Concern]:
    """Pursue again what was acknowledged or snoozed, from the beginning; returns whom that concerns at once."""
    pursuit = Pursuit.objects.filter(pk=incident.pk).first()
    if pursuit is not None:
        _wake(pursuit, pursuit.remind_s, at)
    policies = Escalation.objects.filter(incident=incident).values_list("policy_id", flat=True)
    return start_policies(incident, list(policies), at)


def rest(incident: Incident, by: str, at: datetime, until: datetime | None = None) -> None:
    """Stop calling, since somebody has taken it on; `until` for a while only."""
    fields = {"acknowledged_at": at, "acknowledged_by": by[:120], "snoozed_until": until, "remind_at": None}
    Pursuit.objects.update_or_create(incident=incident, defaults=fields)
    Escalation.objects.filter(incident=incident).update(due_at=None)


def end(incident: Incident) -> None:
    """Pursue nobody any more: the incident is over."""
    Pursuit.objects.filter(pk=incident.pk).update(remind_at=None, snoozed_until=None)
    Escalation.objects.filter(incident=incident).update(due_at=None)


def start_again_from(incident: Incident, at: datetime) -> None:
    """Count the delays from now on: only now is the incident told, after something held it back."""
    for escalation in Escalation.objects.filter(incident=incident, due_at__isnull=False):
        delays = [step.delay_s for step in steps_of(escalation.policy_id)]
        if escalation.rung < len(delays):
            wait_s = delay_s(EscalationPosition(escalation.rung, escalation.round), delays)
            escalation.due_at = at + timedelta(seconds=wait_s)
            escalation.save(update_fields=["due_at"])
    pursuit = Pursuit.objects.filter(pk=incident.pk, remind_at__isnull=False).first()
    if pursuit is not None:
        _wake(pursuit, pursuit.remind_s, at)


def is_acknowledged(incident: Incident) -> bool:
    return Pursuit.objects.filter(pk=incident.pk, acknowledged_at__isnull=False).exists()


def _wake(pursuit: Pursuit, remind_s: int, at: datetime) -> None:
    pursuit.acknowledged_at, pursuit.acknowledged_by, pursuit.snoozed_until = None, "", None
    pursuit.remind_s = remind_s
    pursuit.remind_at = at + timedelta(seconds=remind_s) if remind_s else None
    pursuit.save()


def _repeats(steps: list[EscalationStep]) -> int:
    return steps[0].policy.repeats if steps else 0
