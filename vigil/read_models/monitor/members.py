"""Members of a composite with their states, and its rule in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vigil.monitors.core.composite_rules import RANKED, CompositeRule
from vigil.monitors.models import CompositeMember, Monitor
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.overview import team_monitors
from vigil.read_models.states import state_shown
from vigil.read_models.team_silences import TeamSilences

_RULES = {
    CompositeRule.ALL: "It is up while all of its {n} members are.",
    CompositeRule.ANY: "It is up while one of its {n} members is.",
    CompositeRule.AT_LEAST: "It is up while at least {k} of its {n} members are.",
    CompositeRule.CHAIN: "The first serves, the others are its fallbacks in order: it is up while one of them is.",
    CompositeRule.READINESS: "The first serves, the others are its fallbacks. It warns while none could take over.",
}


@dataclass(frozen=True, slots=True)
class ShownMember:
    """A member: its place in a chain (0 serves), the group it is in, and its state."""

    id: str
    name: str
    state: ShownState
    rank: int
    group: str


@dataclass(frozen=True, slots=True)
class CompositeMembers:
    """The rule in words, and the members in order."""

    rule: str
    is_chain: bool
    members: Sequence[ShownMember]


def read_members(monitor: Monitor, silences: TeamSilences) -> CompositeMembers:
    """Read them in two queries; a deleted member is left out."""
    rows = list(CompositeMember.objects.filter(composite__monitor=monitor).select_related("composite"))
    owned = team_monitors(monitor.team, silences).filter(pk__in=[row.monitor_id for row in rows])
    known = {one.pk: one for one in owned}
    placed = sorted((row for row in rows if row.monitor_id in known), key=lambda row: (row.rank, row.pk))
    members = [
        ShownMember(one.public_id, one.name, state_shown(one.shown), row.rank, row.group)
        for row in placed
        for one in [known[row.monitor_id]]
    ]
    rule, k = (rows[0].composite.rule, rows[0].composite.k) if rows else (CompositeRule.ANY, 1)
    words = _RULES[CompositeRule(rule)].format(n=len(members), k=k)
    return CompositeMembers(words, rule in RANKED, members)
