"""Checkers of decisions: INV-1 to INV-5, INV-7 and INV-9."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from consensus.quorum import decide
from consensus.review.evidence import from_evidence, to_evidence
from probes.reasons import Status
from vigil.incidents.core.model import IncidentKind
from vigil.simulation.judges.breaks import Break
from vigil.simulation.judges.oracle import Count, Says, counts, proves_failure, proves_passing
from vigil.simulation.judges.score import is_quorum
from vigil.simulation.simulation import SimulationResult, lying_regions
from vigil.simulation.worlds.draws import stream
from vigil.simulation.worlds.history import Application, SimIncident
from vigil.simulation.worlds.scenario import Links
from vigil.simulation.worlds.spells import Spell

MAIN_KINDS = (IncidentKind.OUTAGE, IncidentKind.DEGRADED, IncidentKind.ACCOUNT)
#: Recovery time after a fault: leases expire, statuses arrive.
MENDED_MS = 45_000
#: Time to alert beyond the looks: a waiting call, a round split by a blip.
PATIENCE_MS = 45_000
_SHUFFLE = 60


def no_outage_without_a_quorum(outcome: SimulationResult) -> Iterator[Break]:
    """INV-1: before a monitor turns DOWN (or DEGRADED), the same quorum said so in every look, in time."""
    for one in _turns(outcome):
        if one.after.status not in (Status.DOWN, Status.DEGRADED):
            continue
        what = (Says.FAIL,) if one.after.status is Status.DOWN else (Says.FAIL, Says.UNWELL)
        if not proves_failure(_looks(outcome, one), one.verdict.n, *what):
            yield _break("INV-1", one, f"{one.after.status} was not proven by round {one.verdict.round}")


def only_votes_decide(outcome: SimulationResult) -> Iterator[Break]:
    """INV-2: a quorum of passes turns a monitor UP; late votes do not count."""
    for one in _turns(outcome):
        if one.after.status is Status.UP and not proves_passing(_looks(outcome, one), one.verdict.n):
            yield _break("INV-2", one, f"UP was not proven by round {one.verdict.round}")
        cast = {(look, region) for look, count in enumerate(_looks(outcome, one), 1) for region in count.said}
        electors = {elector.region for elector in one.verdict.electorate}
        for vote in one.verdict.votes:
            if vote.region in electors and (vote.look, vote.region) not in cast:
                yield _break("INV-2", one, f"the vote of {vote.region} in look {vote.look} never arrived in time")


def too_few_votes_change_nothing(outcome: SimulationResult) -> Iterator[Break]:
    """INV-3: with fewer votes than m_min nothing goes UP or DOWN."""
    for one in _turns(outcome):
        n = one.verdict.n
        enough = [look.is_enough(n) for look in _looks(outcome, one)]
        # Going UP takes one look, anything else all of them.
        if not (any(enough) if one.after.status is Status.UP else all(enough)):
            yield _break("INV-3", one, f"{one.before.status} became {one.after.status} on too few of {n} votes")


def every_lasting_outage_is_told(outcome: SimulationResult) -> Iterator[Break]:
    """INV-4: an outage seen long enough by a quorum of honest regions becomes an incident in time."""
    world = outcome.world
    honest = frozenset(range(len(world.scenario.regions))) - lying_regions(world.scenario)
    looks_ms = max((max(round.looks_ms) - round.opened_ms for round in outcome.history.rounds.values()), default=0)
    for number, monitor in enumerate(world.monitors):
        incidents = [one for one in outcome.history.of_monitor(monitor) if one.kind in MAIN_KINDS]
        for outage in world.outages(number):
            if not is_quorum(world.scenario, outage.regions & honest):
                continue
            limit_ms = outage.from_ms + _allowed_ms(outcome, outage, looks_ms)
            if outage.to_ms > limit_ms and not any(_covers(one, outage.from_ms, limit_ms) for one in incidents):
                yield Break(
                    "INV-4", outage.from_ms, monitor, f"an outage of {len(outage.regions)} regions was not told"
                )


def no_domain_decides_alone(outcome: SimulationResult) -> Iterator[Break]:
    """INV-5: with three domains or more, one wrong domain alone neither opens nor resolves an incident."""
    world = outcome.world
    if len({domain for _, domain in world.scenario.regions}) < 3:
        return
    for one in _turns(outcome):
        if one.before.status is Status.UNKNOWN or _is_true(outcome, one):
            continue
        carried = _carriers(outcome, one)
        domains = {world.scenario.regions[index][1] for index in carried}
        if len(domains) == 1 and any(carried.values()):
            yield _break("INV-5", one, f"{one.after.status} on the word of {domains.pop()} alone")


def evidence_gives_the_verdict_again(outcome: SimulationResult) -> Iterator[Break]:
    """INV-7: stored evidence, in any order and with copies, reproduces the decision."""
    source = stream(outcome.world.seed, _SHUFFLE)
    for one in outcome.history.applied:
        verdict = from_evidence(to_evidence(one.verdict))
        barred = [excluded for excluded in verdict.excluded if excluded.look == 0]
        round = replace(outcome.history.rounds[verdict.round], electorate=verdict.electorate, excluded=barred)
        votes = [*verdict.votes, *verdict.votes[:2]]
        source.shuffle(votes)
        again = decide(round, votes, verdict.closed)
        if again is None:
            yield _break("INV-7", one, f"round {round.id} is not decided by its own evidence")
        elif (again.status, again.reason, again.k, again.m) != (verdict.status, verdict.reason, verdict.k, verdict.m):
            yield _break("INV-7", one, f"{verdict.status}/{verdict.reason} became {again.status}/{again.reason}")


def the_excluded_have_no_vote(outcome: SimulationResult) -> Iterator[Break]:
    """INV-9: regions that could not vote, or were quarantined, have no vote."""
    history = outcome.history
    for one in history.applied:
        round = history.rounds[one.verdict.round]
        barred = history.barred[round.id] | {excluded.region for excluded in round.excluded}
        electors = {elector.region for elector in one.verdict.electorate}
        for region in sorted(barred & electors):
            yield _break("INV-9", one, f"{region} was to be excluded and could vote")
        if one.verdict.m > len(electors):
            yield _break("INV-9", one, f"{one.verdict.m} votes were counted of {len(electors)} regions")


def _turns(outcome: SimulationResult) -> Iterator[Application]:
    return (one for one in outcome.history.applied if one.before.status is not one.after.status)


def _looks(outcome: SimulationResult, one: Application) -> list[Count]:
    history, name = outcome.history, one.verdict.round
    ballots = history.ballots.get(name, [])
    return counts(history.rounds[name], ballots, one.verdict.decided_ms, history.barred.get(name, frozenset()))


def _break(invariant: str, one: Application, says: str) -> Break:
    return Break(invariant, one.at_ms, one.verdict.monitor, says)


def _allowed_ms(outcome: SimulationResult, outage: Spell, looks_ms: int) -> float:
    """Longest time to alert: two intervals, the longest looks of a round, and faults meanwhile."""
    scenario = outcome.world.scenario
    # With lossy links a round may be repeated.
    rounds = 1 if scenario.links == Links() else 3
    allowed = 2.0 * scenario.interval_ms + rounds * (looks_ms + scenario.timeout_ms) + PATIENCE_MS
    for begun, ended, _ in sorted(outcome.history.disturbed):
        if begun < outage.from_ms + allowed and ended + MENDED_MS > outage.from_ms:
            allowed += ended + MENDED_MS - max(begun, outage.from_ms)
    return allowed


def _covers(incident: SimIncident, from_ms: float, to_ms: float) -> bool:
    """Whether an incident was open at some time in a span."""
    return incident.opened_ms <= to_ms and (incident.resolved_ms is None or incident.resolved_ms > from_ms)


def _is_true(outcome: SimulationResult, one: Application) -> bool:
    """Whether a monitor's new status was true at some time of the round."""
    world = outcome.world
    round = outcome.history.rounds[one.verdict.round]
    number = world.number(one.verdict.monitor)
    for outage in world.outages(number):
        if not is_quorum(world.scenario, outage.regions):
            continue
        if (
            one.after.status is Status.UP
            and outage.from_ms <= round.opened_ms
            and outage.to_ms > one.verdict.decided_ms
        ):
            return False
        if one.after.status is not Status.UP and _overlaps(outage, round.opened_ms, one.verdict.decided_ms):
            return True
    return one.after.status is Status.UP


def _carriers(outcome: SimulationResult, one: Application) -> dict[int, bool]:
    """Regions that voted for the status, and whether each was wrong."""
    world, history = outcome.world, outcome.history
    outages = world.outages(world.number(one.verdict.monitor))
    index_of = {region: index for index, (region, _) in enumerate(world.scenario.regions)}
    up = one.after.status is Status.UP
    found: dict[int, bool] = {}
    for ballot in history.ballots.get(one.verdict.round, []):
        if ballot.result.status is Status.UNKNOWN or (ballot.result.status is Status.UP) is not up:
            continue
        index, at_ms = index_of[ballot.region], ballot.result.started_ms
        failing = any(index in outage.regions and outage.from_ms <= at_ms < outage.to_ms for outage in outages)
        found[index] = found.get(index, False) or failing is up
    return found


def _overlaps(outage: Spell, from_ms: float, to_ms: float) -> bool:
    return outage.from_ms <= to_ms and outage.to_ms > from_ms
