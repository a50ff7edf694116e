"""Lists of monitors as the overview shows them: rows, groups, counts, and the sentence on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from vigil.read_models.core.figures import length
from vigil.read_models.core.overview_query import GroupBy, OverviewQuery, Sort
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.monitor_rows import MonitorRow, RowIncident
from vigil.read_models.overview import GroupHead, Overview
from vigil.web.parts.marks import WORDS, RegionDot, RegionDots, StateMark, dots, mark
from vigil.web.parts.strips import DrawnStrip, day_strip

#: Order of the counts; those of trouble and New are left out where there are none.
COUNTED = (
    ShownState.DOWN,
    ShownState.DEGRADED,
    ShownState.UNKNOWN,
    ShownState.MAINTENANCE,
    ShownState.PAUSED,
    ShownState.NEW,
    ShownState.UP,
)
#: States whose second line says why, since no region's look does.
_SAID = frozenset({ShownState.PAUSED, ShownState.MAINTENANCE, ShownState.NEW})


@dataclass(frozen=True, slots=True)
class ListedMonitor:
    """A row: the facts, and the shapes that draw them. `second` is its second line, `note` what people do about it."""

    facts: MonitorRow
    mark: StateMark
    dots: RegionDots
    strip: DrawnStrip
    second: str
    lasted: str
    note: str


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group: its head, the address that lists it, and the rows of it that this page shows."""

    key: str
    name: str
    head: GroupHead | None
    address: str
    rows: Sequence[ListedMonitor]


@dataclass(frozen=True, slots=True)
class StateCount:
    """A count that is a link to exactly what it counts."""

    mark: StateMark
    monitors: int
    address: str
    is_chosen: bool


def listed(row: MonitorRow, now: datetime, pill: bool = False) -> ListedMonitor:
    """A row as it is drawn."""
    state = row.state
    is_said = state in _SAID or row.kind in ("heartbeat", "composite")
    return ListedMonitor(
        facts=row,
        mark=mark(state, row.word, pill=pill),
        dots=dots([RegionDot(one.region, one.state) for one in row.regions]),
        strip=day_strip(row.strip),
        second=row.why if is_said else row.target,
        lasted=length(now - row.since) if row.since else "",
        note=_note(row.incident, state),
    )


def counts(overview: Overview) -> list[StateCount]:
    """Counts by state; a chosen one leads back to all."""
    query = overview.query
    found = []
    for state in COUNTED:
        monitors = overview.counts.get(state, 0)
        if not monitors and state is not ShownState.UP:
            continue
        is_chosen = [one.value for one in query.states] == [state.value]
        address = query.address(state=[] if is_chosen else [state.value])
        found.append(StateCount(mark(state, WORDS[state]), monitors, address, is_chosen))
    return found


def sections(overview: Overview) -> list[ListedGroup]:
    """Groups with the rows of this page; one section where the order is not by groups."""
    rows = [listed(row, overview.now) for row in overview.rows]
    query = overview.query
    if query.sort is not Sort.PROBLEMS:
        return [ListedGroup("", "", None, query.address(), rows)] if rows else []
    by_key: dict[str, list[ListedMonitor]] = {}
    for row in rows:
        by_key.setdefault(row.facts.group, []).append(row)
    starts = _starts(overview.groups)
    return [
        ListedGroup(head.key, head.name, head, _address(query, head.key, starts[head.key]), by_key.get(head.key, []))
        for head in overview.groups
    ]


def headline(overview: Overview) -> str:
    """The sentence that answers: whether anything needs attention."""
    total, attention = overview.total, overview.attention
    if not total:
        return "Nothing is watched yet"
    if attention:
        return f"{attention:,} of {total:,} {'needs' if attention == 1 else 'need'} attention"
    if overview.counts.get(ShownState.UP, 0) == total:
        return f"All {total:,} are up" if total > 1 else "The one monitor is up"
    return f"Nothing of {total:,} needs attention"


def untaken(overview: Overview) -> str:
    """How many are down without a person on it; empty for none."""
    down = [row for row in overview.trouble if row.state is ShownState.DOWN]
    free = sum(row.incident is None or not row.incident.is_acknowledged for row in down)
    if not free:
        return ""
    return "One is down and not acknowledged." if free == 1 else f"{free} are down and not acknowledged."


def _starts(heads: Sequence[GroupHead]) -> Mapping[str, int]:
    """Place of each group's first row among all rows without trouble."""
    found, at = {}, 0
    for head in heads:
        found[head.key] = at
        at += head.monitors - head.trouble
    return found


def _address(query: OverviewQuery, key: str, start: int) -> str:
    if key and query.group is GroupBy.TAG:
        return query.address(tag=list(dict.fromkeys([*query.tags, key])))
    if key and query.group is GroupBy.PROVIDER:
        return query.address(provider=key)
    return query.address(after=start)


def _note(incident: RowIncident | None, state: ShownState) -> str:
    if incident is None:
        return "Nothing is known to be broken" if state is ShownState.UNKNOWN else ""
    if incident.snoozed_until is not None:
        return f"Snoozed until {incident.snoozed_until:%H:%M} UTC"
    if incident.is_acknowledged:
        return f"Acknowledged by {incident.acknowledged_by}"
    return "No page was sent" if incident.kind == "regional" else "Not acknowledged"
