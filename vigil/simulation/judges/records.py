"""Checkers of records: INV-6, INV-8, INV-10, INV-17, INV-19 and INV-21."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from probes.reasons import Status
from vigil.incidents.core.model import BelievedState, IncidentKind, Step
from vigil.simulation.judges.breaks import Break
from vigil.simulation.judges.endurance import wrong_clocks
from vigil.simulation.processes.engine import EPOCH_MS
from vigil.simulation.simulation import SimulationResult
from vigil.simulation.worlds.history import Application, SimIncident

APART_MS = 60_000
PASSES = 2
LATEST_MS = 30_000
#: Thundering herd: more checks after a heal than this many times the usual.
HERD = 1.2
_SIDE_KINDS = (IncidentKind.REGIONAL, IncidentKind.BLIND)


def one_incident_at_a_time(outcome: SimulationResult) -> Iterator[Break]:
    """INV-6: at most one open incident per monitor; steps and states form a chain without gaps."""
    for monitor, incidents in _by_monitor(outcome).items():
        for one, following in pairwise(incidents):
            if one.resolved_ms is None or one.resolved_ms > following.opened_ms:
                yield Break("INV-6", following.opened_ms, monitor, "a second incident while one was open")
        for one in incidents:
            steps = [step for _, step in one.steps]
            if steps[0] is not Step.OPENED or steps.count(Step.OPENED) > 1 or Step.RESOLVED in steps[:-1]:
                yield Break("INV-6", one.opened_ms, monitor, f"steps in no legal order: {', '.join(steps)}")
    for monitor, applied in _applied(outcome).items():
        for before, after in pairwise(applied):
            if after.before.round_ms != before.after.round_ms or after.before.status is not before.after.status:
                yield Break("INV-6", after.at_ms, monitor, "a state that does not follow on the one before")
            if after.after.round_ms <= before.after.round_ms:
                yield Break("INV-6", after.at_ms, monitor, "an older round was applied after a newer one")


def recovery_is_proven_twice(outcome: SimulationResult) -> Iterator[Break]:
    """INV-8: resolved only after two passing rounds, a minute after it was confirmed or got worse; no flapping page."""
    for monitor, applied in _applied(outcome).items():
        passes = 0
        failed_ms = 0
        for one in applied:
            if one.verdict.status is Status.UP:
                passes += 1
            elif one.verdict.status is not Status.UNKNOWN:
                passes = 0
                failed_ms = one.at_ms if _got_worse(one.before, one.after) else failed_ms
            resolved = any(move.step is Step.RESOLVED and move.kind not in _SIDE_KINDS for move in one.moves)
            if resolved and passes < PASSES:
                yield Break("INV-8", one.at_ms, monitor, f"resolved after {passes} passing rounds")
            if resolved and one.at_ms - failed_ms < APART_MS:
                yield Break("INV-8", one.at_ms, monitor, f"resolved {one.at_ms - failed_ms} ms after it was confirmed")
    for monitor, incidents in _by_monitor(outcome).items():
        for first, second in pairwise(incidents):
            if second.opened_ms - first.opened_ms < APART_MS:
                yield Break("INV-8", second.opened_ms, monitor, "page, resolve and page within a minute")


#: How bad a state is.
_BAD = {Status.DEGRADED: 1, Status.DOWN: 3}


def _got_worse(before: BelievedState, after: BelievedState) -> bool:
    was, now = (2 if state.account else _BAD.get(state.status, 0) for state in (before, after))
    return now > was


def time_adds_up(outcome: SimulationResult) -> Iterator[Break]:
    """INV-10: states and incidents account for the same time, to the second."""
    start_ms, end_ms = outcome.world.span.start, outcome.world.span.stop
    incidents = _by_monitor(outcome)
    for monitor, applied in _applied(outcome).items():
        open_ms = closed_ms = 0
        at_ms, is_open = start_ms, False
        for one in applied:
            open_ms, closed_ms = _added(open_ms, closed_ms, one.at_ms - at_ms, is_open)
            at_ms, is_open = one.at_ms, one.after.open is not None
        open_ms, closed_ms = _added(open_ms, closed_ms, end_ms - at_ms, is_open)
        told_ms = sum((one.resolved_ms or end_ms) - one.opened_ms for one in incidents.get(monitor, []))
        settled = any(one.after.flapping for one in applied)
        if open_ms + closed_ms != end_ms - start_ms or min(open_ms, closed_ms) < 0:
            yield Break("INV-10", end_ms, monitor, "the time in all states is not the time that passed")
        elif not settled and abs(open_ms - told_ms) >= 1_000:
            yield Break("INV-10", end_ms, monitor, f"{open_ms} ms by the states, {told_ms} ms by the incidents")


def one_result_of_one_check(outcome: SimulationResult) -> Iterator[Break]:
    """INV-17: a region runs an order once, however often it is sent, and one vote counts."""
    orders = Counter(
        (one.region, one.boot, one.monitor, one.at_ms, one.round, one.look) for one in outcome.history.probes
    )
    for (region, _, monitor, at_ms, _, _), times in orders.items():
        if times > 1:
            yield Break("INV-17", at_ms, monitor, f"{region} ran one check {times} times")
    for application in outcome.history.applied:
        votes = Counter((vote.look, vote.region) for vote in application.verdict.votes)
        for (_, region), times in votes.items():
            if times > 1:
                yield Break("INV-17", application.at_ms, application.verdict.monitor, f"{times} votes of {region}")


def no_herd_and_nothing_late(outcome: SimulationResult) -> Iterator[Break]:
    """INV-19: no check starts later than 30 s (or an interval) after its slot, and none in a herd."""
    history, scenario = outcome.history, outcome.world.scenario
    latest_ms = min(scenario.interval_ms, LATEST_MS)
    clocks = wrong_clocks(outcome)
    scheduled = [probe for probe in history.probes if not probe.round]
    for probe in scheduled:
        wrong = any(begun <= probe.started_ms <= ended for begun, ended in clocks[probe.region])
        if not wrong and probe.started_ms - probe.at_ms > latest_ms:
            late_s = (probe.started_ms - probe.at_ms) / 1000
            yield Break("INV-19", probe.started_ms, probe.monitor, f"{probe.region} started {late_s:.0f} s late")
    usual = len(outcome.world.monitors)
    started = Counter((one.region, int(one.started_ms - EPOCH_MS) // scenario.interval_ms) for one in scheduled)
    for counted, most, what in (
        (history.sent, HERD * usual + 1, "sent"),
        # Checks waiting in a queue still run unless too late.
        (started, 2 * usual + 1, "started"),
    ):
        for (region, interval), count in counted.items():
            if count > most:
                at_ms = EPOCH_MS + interval * scenario.interval_ms
                yield Break("INV-19", at_ms, region, f"{count} checks were {what} in one interval, usually {usual}")


def the_stale_commit_nothing(outcome: SimulationResult) -> Iterator[Break]:
    """INV-21: after a newer epoch was seen, nothing of an older one is committed (fencing)."""
    newest = 0
    for one in outcome.history.applied:
        if one.verdict.epoch < newest:
            yield Break("INV-21", one.at_ms, one.verdict.monitor, f"epoch {one.verdict.epoch} after {newest}")
        newest = max(newest, one.verdict.epoch)


def _by_monitor(outcome: SimulationResult) -> dict[str, list[SimIncident]]:
    found: defaultdict[str, list[SimIncident]] = defaultdict(list)
    for incident in outcome.history.incidents:
        if incident.kind not in _SIDE_KINDS:
            found[incident.monitor].append(incident)
    return found


def _applied(outcome: SimulationResult) -> dict[str, list[Application]]:
    found: defaultdict[str, list[Application]] = defaultdict(list)
    for one in outcome.history.applied:
        found[one.verdict.monitor].append(one)
    return found


def _added(open_ms: int, closed_ms: int, passed_ms: int, is_open: bool) -> tuple[int, int]:
    return (open_ms + passed_ms, closed_ms) if is_open else (open_ms, closed_ms + passed_ms)
