"""Which channels are told of a step of an incident. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vigil.alerts.decision import Concern, Why
from vigil.incidents.lifecycle import IncidentKind

#: Kinds that are told without a route that names them.
PAGED_KINDS = frozenset({IncidentKind.OUTAGE, IncidentKind.DEGRADED, IncidentKind.ACCOUNT, IncidentKind.HEARTBEAT})

#: The concern of channels that are told for want of any route.
TELL_EVERYONE = Concern(Why.EVERYONE)


@dataclass(frozen=True, slots=True)
class Rule:
    """A route as the decision needs it; `channels` are the keys of its enabled channels."""

    channels: frozenset[int]
    kinds: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    monitor: int | None = None
    notes: bool = False
    concern: Concern = TELL_EVERYONE

    def matches(self, subject: Subject) -> bool:
        kinds = self.kinds or PAGED_KINDS
        of_monitor = self.monitor is None or self.monitor == subject.monitor
        return subject.kind in kinds and of_monitor and (not self.tags or bool(self.tags & subject.tags))


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be told: the incident's kind, its monitor and that monitor's tags."""

    kind: str
    monitor: int | None = None
    tags: frozenset[str] = frozenset()


def pick(rules: Sequence[Rule], subject: Subject, everyone: frozenset[int]) -> Rule | None:
    """The first rule that matches; without any rules, one that tells everyone of what is paged. None: nobody."""
    considered = rules or (Rule(channels=everyone),)
    return next((rule for rule in considered if rule.matches(subject)), None)
