"""Who is told of a provider's incident, and what that holds back: the alerts of the monitors that fail together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from vigil.alerts.core.decision import Concern, Event, Hold, Withheld
from vigil.alerts.core.routes import Considered, RouteRule, Routing, route
from vigil.alerts.models import Delivery, DeliveryState
from vigil.alerts.routing.parent_holds import held_by_parents
from vigil.alerts.routing.rules import subject
from vigil.incidents.core.provider_outage import is_of_provider
from vigil.incidents.models import Incident, Transition
from vigil.silences.covering import muted_by

#: A provider's incident has no routes of its own: where no step says who joined, so many of its monitors speak for it.
ASKED_MOST = 50


def is_joint(incident: Incident) -> bool:
    """Whether it is a provider's incident, which has monitors for members and none of its own."""
    return incident.monitor_id is None and is_of_provider(incident.cause_key)


def held_by_provider(incident: Incident, now: datetime) -> Iterable[Hold]:
    """A hold while the provider's incident stands in: everybody who would be told of this one was told of that."""
    if incident.part_of_id is None:
        return
    whole = Incident.objects.filter(pk=incident.part_of_id, resolved_at=None).first()
    if whole is None:
        return
    told = Delivery.objects.filter(incident=whole, event=Event.TRIGGER, channel__enabled=True)
    reached = set(told.exclude(state=DeliveryState.WITHHELD).values_list("channel_id", flat=True))
    waiting = Delivery.objects.filter(incident=incident, state=DeliveryState.HELD)
    if reached and reached.issuperset(waiting.values_list("channel_id", flat=True)):
        yield Hold(Withheld.TOLD_TOGETHER, f"{whole.title[:80]} ({whole.public_id})")


def routing_together(
    incident: Incident, transition_row: Transition, rules: Sequence[RouteRule], everyone: frozenset[int]
) -> Routing:
    """What the routes say of the monitors that a step of a provider's incident is about, all taken together.

    Those whose own alerts are held back now, by a silence or a parent, do not speak: a silence is not got round.
    """
    at = transition_row.at
    joined = [str(one.get("incident")) for one in transition_row.evidence.get("joined") or []]
    about = incident.members.filter(resolved_at=None).select_related("monitor")
    members = about.filter(public_id__in=joined) if joined else about.order_by("pk")[:ASKED_MOST]
    considered: list[Considered] = []
    concerned: dict[int, Concern] = {}
    for member in members:
        if member.monitor is None or muted_by(member.monitor, at) or any(held_by_parents(member, at)):
            continue
        routing = route(rules, subject(incident.kind, member.monitor), at, everyone)
        considered += routing.considered
        concerned |= routing.concerned
    return Routing(tuple(considered), concerned)
