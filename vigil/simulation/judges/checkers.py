"""Invariant checkers (INV-1 to INV-10, INV-17 to INV-22): list all breaks in a history with known truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vigil.simulation.judges import decisions, endurance, losses, records
from vigil.simulation.judges.breaks import Break
from vigil.simulation.simulation import SimulationResult

Checker = Callable[[SimulationResult], Iterator[Break]]

CHECKERS: dict[str, Checker] = {
    "INV-1": decisions.no_outage_without_a_quorum,
    "INV-2": decisions.only_votes_decide,
    "INV-3": decisions.too_few_votes_change_nothing,
    "INV-4": decisions.every_lasting_outage_is_told,
    "INV-5": decisions.no_domain_decides_alone,
    "INV-6": records.one_incident_at_a_time,
    "INV-7": decisions.evidence_gives_the_verdict_again,
    "INV-8": records.recovery_is_proven_twice,
    "INV-9": decisions.the_excluded_have_no_vote,
    "INV-10": records.time_adds_up,
    "INV-17": records.one_result_of_one_check,
    "INV-18": endurance.nothing_seen_is_forgotten,
    "INV-19": records.no_herd_and_nothing_late,
    "INV-20": endurance.slots_are_kept,
    "INV-21": records.the_stale_commit_nothing,
    "INV-22": losses.regions_that_are_lost_make_no_outage,
}


def judge(outcome: SimulationResult) -> list[Break]:
    """Findings of all checkers."""
    return [found for invariant, check in CHECKERS.items() for found in check(outcome) if found.invariant == invariant]
