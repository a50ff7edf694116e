"""Lists of monitors as the overview shows them: rows, groups, counts, and the sentence on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from vigil.monitors.models import DerivedKind
from vigil.read_models.core.drawn_strips import DrawnStrip, day_strip
from vigil.read_models.core.figures import NO_VALUE, length, milliseconds, moment, percent
from vigil.read_models.core.overview_query import GroupBy, OverviewQuery, Sort
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.monitor_rows import MonitorRow, RowIncident
from vigil.read_models.overview import GroupHead, Overview
from vigil.web.parts.marks import WORDS, RegionDot, RegionDots, StateMark, dots, mark

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
    """A row with all that its template draws, and nothing else: equal rows are drawn once (`parts.drawn`).

    `second` is its second line; `picks` whether the reader may pick it.
    """

    id: str
    name: str
    mark: StateMark
    dots: RegionDots | None
    strip: DrawnStrip
    second: str
    unseen: str
    p95: str
    uptime: str
    picks: bool


@dataclass(frozen=True, slots=True)
class TroubleNote:
    """What is said below the why-line: since when, what people do about it (`said`), and until when it is silent."""

    since: datetime | None
    since_words: str
    lasted: str
    said: str
    incident: str
    silent_until: datetime | None
    silent_words: str


@dataclass(frozen=True, slots=True)
class ListedTrouble:
    """A row of what needs attention; drawn once as `ListedMonitor` is."""

    id: str
    name: str
    mark: StateMark
    dots: RegionDots | None
    strip: DrawnStrip
    why: str
    note: TroubleNote
    picks: bool


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


def listed(row: MonitorRow, picks: bool) -> ListedMonitor:
    """A row as it is drawn."""
    is_said = row.state in _SAID or row.kind in DerivedKind
    return ListedMonitor(
        id=row.id,
        name=row.name,
        mark=mark(row.state, row.word),
        dots=_dots(row),
        strip=day_strip(row.strip),
        second=row.why if is_said else row.target,
        unseen="calls us" if row.kind == DerivedKind.HEARTBEAT else NO_VALUE,
        p95=milliseconds(row.p95_ms),
        uptime=percent(row.uptime),
        picks=picks,
    )


def listed_trouble(row: MonitorRow, now: datetime, picks: bool) -> ListedTrouble:
    """A row in trouble as it is drawn."""
    note = TroubleNote(
        since=row.since,
        since_words=moment(row.since, now) if row.since else "",
        lasted=length(now - row.since) if row.since and not row.why_says_how_long else "",
        said=_note(row.incident, row.state),
        incident=row.incident.id if row.incident else "",
        silent_until=row.silenced_until,
        silent_words=moment(row.silenced_until, now) if row.silenced_until else "",
    )
    return ListedTrouble(
        row.id, row.name, mark(row.state, row.word, pill=True), _dots(row), day_strip(row.strip), row.why, note, picks
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


def sections(overview: Overview, picks: bool) -> list[ListedGroup]:
    """Groups with the rows of this page; one section where the order is not by groups."""
    rows = [(row.group, listed(row, picks)) for row in overview.rows]
    query = overview.query
    if query.sort is not Sort.PROBLEMS:
        return [ListedGroup("", "", None, query.address(), [row for _, row in rows])] if rows else []
    by_key: dict[str, list[ListedMonitor]] = {}
    for group, row in rows:
        by_key.setdefault(group, []).append(row)
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


def _dots(row: MonitorRow) -> RegionDots | None:
    return dots([RegionDot(one.region, one.state) for one in row.regions]) if row.regions else None


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
