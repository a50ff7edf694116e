"""Vote tables: who saw what, look by look, and the same votes on a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vigil.read_models.core.figures import NO_VALUE
from vigil.read_models.core.shown_states import ShownState
from vigil.web.parts.marks import StateMark

#: Regions listed one by one; more are grouped by domain.
MOST_ROWS = 20
_ORDER = [
    ShownState.DOWN, ShownState.DEGRADED, ShownState.UNKNOWN, ShownState.NEW, ShownState.MAINTENANCE, ShownState.PAUSED,
    ShownState.UP,
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DrawnVotes:
    """One region: a mark for each look, and what is said of its last. A vote that is not counted says why."""

    region: str
    domain: str
    looks: Sequence[StateMark]
    took: str = NO_VALUE
    not_counted: str = ""


@dataclass(frozen=True, slots=True)
class VoteTable:
    """Votes of a round: times of its looks, the law in words, and its rows."""

    law: str
    times: Sequence[str]
    rows: Sequence[DrawnVotes]
    #: Rows by domain, where they are too many for one list.
    domains: Sequence[DomainVotes] = ()


@dataclass(frozen=True, slots=True)
class DomainVotes:
    """Regions of one domain; `agree` when all saw the same."""

    domain: str
    agree: bool
    rows: Sequence[DrawnVotes]


@dataclass(frozen=True, slots=True)
class MapPin:
    """A region on the map: its place in the map's units, and whether its label stands to the left."""

    region: str
    state: ShownState
    x: float
    y: float
    left: bool = False

    @property
    def left_edge(self) -> str:
        """Edges of the shape of 12 units, and where its label begins or ends."""
        return f"{self.x - 6:.1f}"

    @property
    def top_edge(self) -> str:
        return f"{self.y - 6:.1f}"

    @property
    def text_x(self) -> str:
        return f"{self.x + (-8 if self.left else 8):.1f}"

    @property
    def text_y(self) -> str:
        return f"{self.y + 3:.1f}"


def vote_table(law: str, times: Sequence[str], rows: Sequence[DrawnVotes]) -> VoteTable:
    """Failing regions first, then silent ones, then passing; over twenty by domain."""
    ordered = sorted(rows, key=lambda row: (_ORDER.index(row.looks[-1].state), row.region))
    if len(ordered) <= MOST_ROWS:
        return VoteTable(law, times, ordered)
    by_domain: dict[str, list[DrawnVotes]] = {}
    for row in ordered:
        by_domain.setdefault(row.domain, []).append(row)
    grouped = [
        DomainVotes(domain, len({row.looks[-1].state for row in held}) == 1, held) for domain, held in by_domain.items()
    ]
    return VoteTable(law, times, [], grouped)


def pins(places: Sequence[tuple[str, ShownState, float, float]]) -> list[MapPin]:
    """Pins of regions by latitude and longitude in degrees; labels that would meet stand on different sides."""
    points = [(region, state, (longitude + 170) % 360, 79 - latitude) for region, state, latitude, longitude in places]
    return [
        MapPin(region, state, x, y, x > 300 or _has_eastern_neighbour(x, y, points)) for region, state, x, y in points
    ]


def _has_eastern_neighbour(x: float, y: float, points: Sequence[tuple[str, ShownState, float, float]]) -> bool:
    return any(0 < other_x - x < 45 and abs(other_y - y) < 9 for _, _, other_x, other_y in points)
