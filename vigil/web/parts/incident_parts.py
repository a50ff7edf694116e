"""Components of an incident's page: votes as a table and a map, its timeline, and what a region's check met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consensus.review.explain import WHY_EXCLUDED
from consensus.review.vote_table import VoteRow as Vote
from probes.reasons import Reason, Status
from probes.wire import Phases
from vigil.alerts.wording.vocabulary import reason_in_words
from vigil.incidents.core.model import Step
from vigil.monitors.live.results import instant
from vigil.read_models.core.figures import milliseconds
from vigil.read_models.core.shown_states import ShownState
from vigil.read_models.incident_page import TimelineStep as Read
from vigil.read_models.incident_page import VotesAt
from vigil.read_models.region_shapes import seen_as
from vigil.web.parts.marks import StateMark, mark
from vigil.web.parts.places import place_of
from vigil.web.parts.timelines import DrawnStep, Timeline, timeline
from vigil.web.parts.votes import DrawnVotes, MapPin, VoteTable, pins, vote_table
from vigil.web.parts.world import LAND

_VERBS: Mapping[str, tuple[str, str]] = {
    Step.OPENED: ("", "Opened."),
    Step.CHANGED: ("degraded", "Changed."),
    Step.RESOLVED: ("up", "Over."),
    Step.ACKNOWLEDGED: ("check", "Acknowledged."),
    Step.SNOOZED: ("paused", "Snoozed."),
    Step.ESCALATED: ("oncall", "Called."),
    Step.REMINDED: ("ring", "Told again."),
    Step.NOTE: ("ring", "Note."),
}
#: Size of the map when it shows all the world, and the least of a part of it.
_WORLD = (340.0, 112.0)
_LEAST_WIDTH, _MARGIN = 120.0, 20.0


@dataclass(frozen=True, slots=True)
class Map:
    """Votes on a map: its pins, the part of the world that is shown, and the same in words."""

    pins: Sequence[MapPin]
    label: str
    frame: str
    land: str = LAND


@dataclass(frozen=True, slots=True)
class Met:
    """What the check of one region met: lines of a name and a value."""

    region: str
    lines: Sequence[tuple[str, str]]


def votes_of(found: VotesAt) -> VoteTable:
    """The votes of one step as a table: a row a region, a column a look."""
    looks = sorted({row.look for row in found.rows if row.look}) or [1]
    by_region: dict[str, dict[int, Vote]] = {}
    for row in found.rows:
        by_region.setdefault(row.region, {})[row.look] = row
    started = found.verdict.looks_ms
    times = [f"{instant(started[look - 1]):%H:%M:%S}" if look <= len(started) else f"look {look}" for look in looks]
    return vote_table(found.law, times, [_row(region, seen, looks) for region, seen in by_region.items()])


def _row(region: str, seen: Mapping[int, Vote], looks: Sequence[int]) -> DrawnVotes:
    absent = seen.get(0)
    voted = [seen.get(look, absent) for look in looks]
    last = next((vote for vote in reversed(voted) if vote), None)
    why = last.why_not if last else ""
    return DrawnVotes(
        region=region,
        domain=last.domain if last else "",
        looks=[_mark(vote) for vote in voted],
        took=milliseconds(last.phases.total_us / 1_000 if last and last.phases.total_us else None),
        not_counted=f"it {WHY_EXCLUDED.get(why, why.replace('_', ' '))}" if why else "",
    )


def _mark(vote: Vote | None) -> StateMark:
    if vote is None or not vote.status:
        return mark(ShownState.UNKNOWN, "silent")
    state = seen_as(Status(vote.status), Reason(vote.reason))
    return mark(state) if state is ShownState.UP else mark(state, reason_in_words(vote.reason))


def map_of(table: VoteTable) -> Map | None:
    """The same votes on a map; None where no region's name says its place."""
    rows = [*table.rows, *(row for held in table.domains for row in held.rows)]
    located = [(row, place) for row in rows if (place := place_of(row.region)) is not None]
    if not located:
        return None
    found = pins([(row.region, row.looks[-1].state, *place) for row, place in located])
    label = "Map: " + "; ".join(f"{row.region} {row.looks[-1].word}" for row, _ in located[:20])
    return Map(found, label, _frame(found))


def _frame(found: Sequence[MapPin]) -> str:
    """The part of the world around the pins, in the map's units."""
    left, right = min(pin.x for pin in found) - 3 * _MARGIN, max(pin.x for pin in found) + 3 * _MARGIN
    top, bottom = min(pin.y for pin in found) - _MARGIN, max(pin.y for pin in found) + _MARGIN
    width, height = max(_LEAST_WIDTH, right - left), max(_LEAST_WIDTH / 3, bottom - top)
    left -= max(0.0, (width - (right - left)) / 2)
    top -= max(0.0, (height - (bottom - top)) / 2)
    return f"{left:.0f} {top:.0f} {min(width, _WORLD[0] + 4):.0f} {min(height, _WORLD[1]):.0f}"


def met_by(found: VotesAt) -> Met | None:
    """What one region met that did not pass, of the last look; None where all passed."""
    failing = [row for row in found.rows if row.status not in ("", "up") and not row.why_not]
    if not failing:
        return None
    vote = max(failing, key=lambda row: (row.look, row.phases.total_us))
    lines = [("saw", reason_in_words(vote.reason)), ("address", vote.address), ("said", vote.detail)]
    if vote.code:
        lines.append(("code", str(vote.code)))
    lines += _phases(vote.phases)
    if vote.usual_us:
        lines.append(("usual", milliseconds(vote.usual_us / 1_000)))
    if vote.attempts > 1:
        lines.append(("attempts", str(vote.attempts)))
    return Met(vote.region, [(name, value) for name, value in lines if value])


def _phases(phases: Phases) -> list[tuple[str, str]]:
    named = {
        "dns": phases.dns_us,
        "connect": phases.connect_us,
        "tls": phases.tls_us,
        "first byte": phases.first_byte_us,
    }
    spent = {**named, "total": phases.total_us}
    return [(name, milliseconds(us / 1_000)) for name, us in spent.items() if us]


def steps_of(found: Sequence[Read], state: ShownState) -> Timeline:
    """The timeline of an incident that is this state; each step says how many channels it reached."""
    return timeline([_step(one, state) for one in found])


def _step(one: Read, state: ShownState) -> DrawnStep:
    icon, verb = _VERBS.get(one.step, ("ring", one.step.replace("_", " ").capitalize() + "."))
    told = f" Told {one.told} {'channel' if one.told == 1 else 'channels'}." if one.told else ""
    return DrawnStep(one.id, icon or state.value, one.at, verb, f"{one.text}{told}")
