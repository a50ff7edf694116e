"""Paging changes of a plan: who is told of what before and after, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from vigil.alerts.core.routes import RoutedSubject, RouteRule, route
from vigil.code.core.document import Document
from vigil.code.core.plan import Change, PlanAction, PlannedChanges
from vigil.code.core.sections.table import SECTIONS
from vigil.code.core.state import TeamState, with_names
from vigil.incidents.core.model import IncidentKind

#: Any moment: routes are compared as if their hours always held, and changes of hours are told apart.
_ANY = datetime(2026, 1, 1, tzinfo=UTC)
_KINDS = {
    "monitors": (IncidentKind.OUTAGE, IncidentKind.DEGRADED, IncidentKind.ACCOUNT),
    "heartbeats": (IncidentKind.HEARTBEAT,),
    "composites": (IncidentKind.OUTAGE, IncidentKind.DEGRADED),
}
NAMES_MOST, LINES_MOST = 5, 100
NO_ONE = "no one"


@dataclass(slots=True)
class _Side:
    """The configuration before or after: fields by section and id, with a name for each id."""

    fields: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def of(self, section: str) -> Mapping[str, Mapping[str, Any]]:
        return self.fields.get(section, {})


def paging_changes(document: Document, state: TeamState, planned: PlannedChanges) -> list[str]:
    """Sentences on what the plan changes for alerts; none if it changes nothing there."""
    before, after = _sides(document, state, planned)
    lines = [*_told(before, after), *(line for change in planned.effective for line in _of_change(change))]
    if len(lines) > LINES_MOST:
        lines = [*lines[:LINES_MOST], f"and {len(lines) - LINES_MOST} more"]
    return lines


def _sides(document: Document, state: TeamState, planned: PlannedChanges) -> tuple[_Side, _Side]:
    before, after = _Side(), _Side()
    deleted = {change.public_id for change in planned.changes if change.action is PlanAction.DELETE}
    for one in state.objects.values():
        for side in (before,) if one.public_id in deleted else (before, after):
            side.fields.setdefault(one.section, {})[one.public_id] = one.fields
            side.names[one.public_id] = one.name
    ids = {
        (section, key): planned.ids.get((section, key), key)
        for section, keys in document.objects.items()
        for key in keys
    }
    named = {key: found for (_, key), found in ids.items()}
    for wanted in document.all():
        found = ids[wanted.section, wanted.key]
        stored = after.fields.setdefault(wanted.section, {}).get(found, {})
        kinds = SECTIONS[wanted.section].fields
        values = {
            name: with_names(kinds[name].type, value, named) if name in kinds else value
            for name, value in wanted.fields.items()
        }
        after.fields[wanted.section][found] = {**stored, **values}
        after.names[found] = str(wanted.fields.get("name", wanted.key))
    return before, after


def _told(before: _Side, after: _Side) -> Iterable[str]:
    """One sentence for all monitors whose incidents of a kind are told to others than before."""
    found: dict[tuple[str, str, str], list[str]] = {}
    tables = [(_Table(side), side) for side in (before, after)]
    for section, kinds in _KINDS.items():
        for public_id in dict.fromkeys([*before.of(section), *after.of(section)]):
            for kind in kinds:
                old, new = (table.told(kind, section, public_id) for table, _ in tables)
                if old != new:
                    name = after.names.get(public_id) or before.names[public_id]
                    found.setdefault((kind.value, old or NO_ONE, new or NO_ONE), []).append(name)
    for (told, old, new), names in found.items():
        more = f" and {len(names) - NAMES_MOST} more" if len(names) > NAMES_MOST else ""
        yield f"{told} of {', '.join(names[:NAMES_MOST])}{more}: tells {old} -> {new}"


class _Table:
    """The routes of a side, and what they choose, kept by what they can tell apart."""

    def __init__(self, side: _Side) -> None:
        self._side = side
        self._numbers = {key: number for number, key in enumerate(side.names)}
        self._policies = {self._numbers[key]: side.names[key] for key in side.of("policies")}
        enabled = {key for key, fields in side.of("channels").items() if fields.get("enabled", True)}
        self._channels = {self._numbers[key]: side.names[key] for key in enabled}
        routes = sorted(side.of("routes").items(), key=lambda one: (one[1].get("position") or 0, one[0]))
        self._rules = [self._rule(fields, enabled) for _, fields in routes if fields.get("enabled", True)]
        self._by_monitor = any(rule.monitor is not None for rule in self._rules)
        # A person's channels and fallbacks are told by policies only.
        personal = {key for fields in side.of("people").values() for key in fields.get("channels") or ()}
        fallback = {key for key, fields in side.of("channels").items() if fields.get("fallback")}
        self._everyone = frozenset(self._numbers[key] for key in enabled - personal - fallback or enabled)
        self._known: dict[tuple[Any, ...], str] = {}

    def _rule(self, fields: Mapping[str, Any], enabled: set[str]) -> RouteRule:
        policy, monitor = fields.get("policy"), fields.get("monitor")
        return RouteRule(
            channels=frozenset(self._numbers[key] for key in fields.get("channels") or () if key in enabled),
            kinds=frozenset(fields.get("kinds") or ()),
            severities=frozenset(fields.get("severities") or ()),
            priorities=frozenset(fields.get("priorities") or ()),
            tags=frozenset(fields.get("tags") or ()),
            monitor=self._numbers.get(monitor, -1) if monitor else None,
            goes_on=bool(fields.get("goes_on")),
            default=bool(fields.get("default")),
            policy=self._numbers.get(policy) if policy else None,
        )

    def told(self, kind: IncidentKind, section: str, public_id: str) -> str:
        """Channels and policies that are told of an incident of this kind, in words; "" for none."""
        fields = self._side.of(section).get(public_id)
        if fields is None or fields.get("paused"):
            return ""
        tags, priority = frozenset(fields.get("tags") or ()), fields.get("priority") or "normal"
        number = self._numbers[public_id] if self._by_monitor else None
        asked = (kind, tags, priority, number)
        if asked not in self._known:
            routing = route(self._rules, RoutedSubject(kind, number, tags, priority), _ANY, self._everyone)
            policies = [self._policies[each] for each in routing.policies if each in self._policies]
            channels = [self._channels[each] for each in routing.concerned if each in self._channels]
            self._known[asked] = ", ".join(sorted({*channels, *policies}))
        return self._known[asked]


_WORDS = {
    "sensitivity": "{noun} {name}: alerts at the sensitivity {new} instead of {old}",
    "interval": "{noun} {name}: is checked every {new} instead of {old}",
    "every": "{noun} {name}: is expected every {new} instead of {old}",
    "cron": "{noun} {name}: is expected at {new} instead of {old}",
    "grace": "{noun} {name}: may be late by {new} instead of {old}",
    "remind": "{noun} {name}: reminds every {new} instead of {old}",
    "timeout": "{noun} {name}: waits {new} for an answer instead of {old}",
    "regions": "{noun} {name}: is checked from {new} instead of {old}",
    "parents": "{noun} {name}: is not alerted while {new} is down, instead of {old}",
    "members": "{noun} {name}: depends on {new} instead of {old}",
    "rule": "{noun} {name}: needs {new} of its members instead of {old}",
    "k": "{noun} {name}: needs {new} members instead of {old}",
    "run_limit": "{noun} {name}: may run for {new} instead of {old}",
    "repeats": "{noun} {name}: goes through its steps {new} times more instead of {old}",
    "steps": "{noun} {name}: calls others, or at other times",
    "people": "{noun} {name}: other people take turns",
    "mutes": "{noun} {name}: mutes {new} instead of {old}",
}
_SILENCES = ("silences", "maintenance")
_HOURS = frozenset({"days", "starts", "ends", "zone"})


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_word(part) for part in value) or "nothing"
    if isinstance(value, dict):
        return _word(list(value.values()))
    return "nothing" if value is None else str(value)


def _of_change(change: Change) -> Iterable[str]:
    """Sentences on fields that change when and how alerts are sent, and not to whom."""
    noun = SECTIONS[change.section].noun
    if change.action is PlanAction.DELETE and change.section in _SILENCES:
        yield f"{noun} {change.name}: is deleted, and holds no alerts any more"
    if change.action is PlanAction.CREATE and change.section in _SILENCES:
        yield f"{noun} {change.name}: begins to hold alerts in its windows"
    if change.action is not PlanAction.UPDATE:
        return
    for one in change.fields:
        words = None if change.section in _SILENCES and one.name == "regions" else _WORDS.get(one.name)
        if words is not None:
            old, new = (_word(value) for value in (one.old, one.new))
            yield words.format(noun=noun, name=change.name, old=old, new=new)
    names = {one.name for one in change.fields}
    if change.section == "routes" and _HOURS & names:
        yield f"{noun} {change.name}: holds at other times"
    if change.section == "channels" and "fallback" in names:
        yield f"{noun} {change.name}: is used only when no other channel accepts an alert, or no longer so"
    if change.section == "monitors" and any("." in name and not name.startswith("secrets.") for name in names):
        yield f"{noun} {change.name}: is judged in another way, or looks at another place"
    if change.section == "channels" and any(name == "kind" or "." in name for name in names):
        yield f"{noun} {change.name}: sends to another place or in another way"
    if change.section in _SILENCES and names - {"name", "reason"}:
        yield f"{noun} {change.name}: holds other alerts, or at other times"
