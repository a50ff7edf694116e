"""Checker of regions that lose their way together: one event, no outage, and no outage hidden (INV-22)."""

from __future__ import annotations

from collections.abc import Iterator

from probes.reasons import Status
from vigil.simulation.judges.breaks import Break
from vigil.simulation.simulation import SimulationResult
from vigil.simulation.worlds.spells import Spell

#: An event is recognised by then: the scheduled checks of an interval, a look that hangs, and the judge's second.
RECOGNISED_MS = 90_000
#: What a region still says of an outage or a loss that is over.
AFTERMATH_MS = 90_000


def regions_that_are_lost_make_no_outage(outcome: SimulationResult) -> Iterator[Break]:
    """INV-22: regions that lose their way are recognised, and no target that the others see well is called down."""
    world = outcome.world
    for loss, after_ms in recognised(outcome):
        if after_ms is None and loss.to_ms - loss.from_ms > RECOGNISED_MS:
            yield Break("INV-22", loss.from_ms, "regions", "that most of them lost their way was not recognised")
    for one in outcome.history.applied:
        turned = one.after.status is Status.DOWN and one.before.status is not Status.DOWN
        if not turned or not any(_holds(loss, one.at_ms) for loss in world.spells.losses):
            continue
        outages = world.outages(world.number(one.verdict.monitor))
        if not any(_holds(outage, one.at_ms) for outage in outages):
            yield Break("INV-22", one.at_ms, one.verdict.monitor, "called down by regions that had lost their way")


def recognised(outcome: SimulationResult) -> Iterator[tuple[Spell, float | None]]:
    """Each time that most regions lost their way, and how long after the last of them that was recognised (ms)."""
    for loss in outcome.world.spells.losses:
        noted = [at_ms for at_ms, _ in outcome.history.lost if loss.from_ms - AFTERMATH_MS <= at_ms <= loss.to_ms]
        yield loss, max(0.0, noted[0] - loss.from_ms) if noted else None


def _holds(spell: Spell, at_ms: float) -> bool:
    return spell.from_ms - AFTERMATH_MS <= at_ms <= spell.to_ms + AFTERMATH_MS
