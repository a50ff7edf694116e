"""Checkers of partitions: every result is stored in the end (INV-18), and slots are kept (INV-20)."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from math import inf

from vigil.simulation.judges.breaks import Break
from vigil.simulation.simulation import SimulationResult
from vigil.simulation.worlds.history import Probe
from vigil.simulation.worlds.isolation import Fault

Span = tuple[float, float]

#: A result is stored within this time after everything has healed.
STORED_MS = 300_000
BACKLOG_PART = 20
#: Faults closer together than this count as one.
APART_MS = 60_000
#: Work in progress that a region may lose when it dies: a check, and the time to detect a Redis outage.
IN_HAND_MS = 25_000
#: Time for a region to detect data loss in Redis and resend.
NOTICED_MS = 20_000
#: Time until written entries are confirmed; longer during a PostgreSQL outage.
UNSTORED_MS = 60_000
KEPT = 95
LONG_MS = 3_600_000
#: Time to detect silence: 30 s without a dispatcher, checked once a second; the last status may be read 10 s late, and
#: so may a late order.
MAY_KNOW_MS = 42_000
#: Delay until an order is on the region's disk.
ON_DISK_MS = 15_000
#: A status measures the clock; a step is seen by the next one.
MEASURED_MS = 15_000
SEEN_MS = 1_000


def nothing_seen_is_forgotten(outcome: SimulationResult) -> Iterator[Break]:
    """INV-18: after the heal every result is stored, except work in progress of a region that died."""
    history, links = outcome.history, outcome.world.scenario.links
    troubles = sorted((begun, ended) for begun, ended, _ in history.disturbed)
    deaths = _of_regions(outcome, Fault.REGION_DIES)
    losses = _spans(outcome, Fault.REDIS_DIES, Fault.REDIS_FORGETS, Fault.REDIS_TRIMS)
    in_hand_ms = IN_HAND_MS + (links.late_ms if links.late else 0)
    for probe in history.probes:
        key = probe.region, probe.monitor, probe.at_ms, probe.round, probe.look
        if key in history.stored or _due_ms(probe, troubles) > outcome.world.span.stop:
            continue
        died = [begun for begun, _ in deaths[probe.region]]
        written_ms = history.written.get(key)
        if written_ms is None:
            excused = any(probe.started_ms <= at <= probe.started_ms + in_hand_ms for at in died)
        else:
            excused = _died_unconfirmed(written_ms, losses, died)
        if not excused:
            what = "never written" if written_ms is None else "written, lost and not written again"
            yield Break("INV-18", probe.started_ms, probe.monitor, f"what {probe.region} saw was {what}")


def _died_unconfirmed(written_ms: float, losses: list[Span], died: list[float]) -> bool:
    """Whether Redis lost the entry, and the region died before it could resend it."""
    return any(
        written_ms <= lost <= written_ms + UNSTORED_MS and any(written_ms <= at <= mended + NOTICED_MS for at in died)
        for lost, mended in losses
    )


def slots_are_kept(outcome: SimulationResult) -> Iterator[Break]:
    """INV-20: a region cut off from the control plane keeps 95 % of its slots, whatever the cause."""
    for region, (begin, end), share in kept_shares(outcome):
        if share * 100 < KEPT:
            lasted_s = (end - begin) / 1000
            yield Break("INV-20", begin, region, f"kept {share:.1%} of its slots in {lasted_s:.0f} s of a cut")


def kept_shares(outcome: SimulationResult) -> Iterator[tuple[str, Span, float]]:
    """Of each region and time that it was cut off, the share of its slots that it kept.

    An hour and longer counts whole, with what a region needs to know that it is alone, and with its own deaths. Of less
    count the slots from when it may know, but for those while the region itself was dead or stopped, until it may know
    once more, or while its clock was wrong. Where one trouble follows on another, each has its own beginning. A slot of
    a monitor counts once the region was given an order of it: before that it knows neither target nor interval. An
    order that the region takes with it when it dies, before it is on the disk, is none.
    """
    world, links = outcome.world, outcome.world.scenario.links
    may_know_ms = MAY_KNOW_MS + (links.late_ms if links.late or links.twice else 0)
    kept: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for probe in sorted(outcome.history.probes, key=lambda probe: probe.at_ms):
        if not probe.round:
            kept[probe.region, probe.monitor].append(probe.at_ms)
    everywhere = _spans(outcome, Fault.REDIS_DIES, Fault.DISPATCH_DIES)
    cuts = _of_regions(outcome, Fault.CUT)
    unwell = _of_regions(outcome, Fault.REGION_DIES, Fault.PAUSE)
    deaths = _of_regions(outcome, Fault.REGION_DIES)
    clocks = wrong_clocks(outcome)
    for index, (region, _) in enumerate(world.scenario.regions):
        for begin, end in _pieces([*everywhere, *cuts[region]]):
            end = min(end, world.span.stop)
            whole = end - begin >= LONG_MS
            begin = max(begin if whole else begin + may_know_ms, world.span.start)
            excused = [] if whole else [*((a, b + may_know_ms) for a, b in unwell[region]), *clocks[region]]
            due = found = 0
            for number, monitor in enumerate(world.monitors):
                slots = _slots(world.paths[number][index].phase_ms, world.scenario.interval_ms, (begin, end))
                known_ms = _known_ms(outcome.history.told.get((region, monitor), {}), deaths[region])
                slots = [at for at in slots if known_ms <= at and not any(a <= at <= b for a, b in excused)]
                due += len(slots)
                ran = kept[region, monitor]
                found += sum(bisect_left(ran, at) < len(ran) and ran[bisect_left(ran, at)] == at for at in slots)
            if due:
                yield region, (begin, end), found / due


def wrong_clocks(outcome: SimulationResult) -> defaultdict[str, list[Span]]:
    """Times of wrong clocks: a running process detects a step, others need Redis."""
    found: defaultdict[str, list[Span]] = defaultdict(list)
    cuts, away = _of_regions(outcome, Fault.CUT), _spans(outcome, Fault.REDIS_DIES)
    dead = _of_regions(outcome, Fault.REGION_DIES, Fault.PAUSE)
    for region, steps in _of_regions(outcome, Fault.CLOCK_STEPS).items():
        for step in (at for span in steps for at in span):
            if not any(begun <= step <= ended for begun, ended in dead[region]):
                found[region].append((step, step + SEEN_MS))
                continue
            measured = step + MEASURED_MS
            for begun, ended in sorted([*cuts[region], *away]):
                if begun <= measured and ended > step:
                    measured = max(measured, ended + MEASURED_MS)
            found[region].append((step, measured))
    return found


def _due_ms(probe: Probe, troubles: list[Span]) -> float:
    """Deadline to store a result: soon after the last overlapping fault."""
    healed = probe.started_ms
    for begun, ended in troubles:
        if begun <= healed + APART_MS and ended > healed:
            healed = ended
    return healed + STORED_MS + (healed - probe.started_ms) / BACKLOG_PART


def _known_ms(told: dict[int, float], deaths: list[Span]) -> float:
    """Time from which a region knows a monitor: the order is on its disk."""
    kept = (at for at in told.values() if not any(at <= died <= at + ON_DISK_MS for died, _ in deaths))
    return min(kept, default=inf)


def _pieces(spans: list[Span]) -> Iterator[Span]:
    """Long spans, and other covered times split at each start and end."""
    yield from (span for span in spans if span[1] - span[0] >= LONG_MS)
    edges = sorted({edge for span in spans for edge in span})
    for begin, end in pairwise(edges):
        if end - begin < LONG_MS and any(from_ms <= begin and end <= to_ms for from_ms, to_ms in spans):
            yield begin, end


def _slots(phase_ms: int, interval_ms: int, span: Span) -> list[int]:
    first = int(span[0]) + 1
    return list(range(first + (phase_ms - first) % interval_ms, int(span[1]), interval_ms))


def _spans(outcome: SimulationResult, *faults: Fault) -> list[Span]:
    return [(begun, ended) for begun, ended, what in outcome.history.disturbed if what.split()[0] in faults]


def _of_regions(outcome: SimulationResult, *faults: Fault) -> defaultdict[str, list[Span]]:
    found: defaultdict[str, list[Span]] = defaultdict(list)
    for begun, ended, what in outcome.history.disturbed:
        fault, _, victim = what.partition(" ")
        if fault in faults:
            found[victim].append((begun, ended))
    return found
