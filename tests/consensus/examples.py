"""Factories of rounds, votes and results."""

from __future__ import annotations

from collections.abc import Mapping

from consensus.verdicts import VERDICT_VERSION, Elector, Round, Vote
from consensus.vocabulary import Cause, Sensitivity
from probes.reasons import Reason, Status
from probes.wire import WIRE_VERSION, Phases, Result
from vigil.simulation.worlds.scenario import FIVE_REGIONS

LOOKS_MS = {Sensitivity.HIGH: (0,), Sensitivity.NORMAL: (0, 10_000), Sensitivity.LOW: (0, 30_000, 60_000)}
LOOK_LENGTH_MS = 12_500


def make_round(
    regions: Mapping[str, str] = FIVE_REGIONS,
    sensitivity: Sensitivity = Sensitivity.HIGH,
    assigned: int | None = None,
    opened_ms: int = 1_000_000,
    caller: str = "",
) -> Round:
    """A round about `mon_example` with an electorate of region -> domain."""
    return Round(
        v=VERDICT_VERSION,
        id=f"rnd_example_{opened_ms:x}",
        monitor="mon_example",
        cause=Cause.FAILURE,
        caller=caller,
        opened_ms=opened_ms,
        sensitivity=sensitivity,
        assigned=len(regions) if assigned is None else assigned,
        electorate=[Elector(region, domain) for region, domain in regions.items()],
        excluded=[],
        looks_ms=[opened_ms + after_ms for after_ms in LOOKS_MS[sensitivity]],
        look_length_ms=LOOK_LENGTH_MS,
        suspected_ms=opened_ms - 200,
    )


#: The results that the words of a test's table stand for.
SEEN = {
    "pass": (Status.UP, Reason.OK),
    "fail": (Status.DOWN, Reason.REFUSED),
    "timeout": (Status.DOWN, Reason.TIMEOUT),
    "slow": (Status.DEGRADED, Reason.SLOW),
    "auth": (Status.DOWN, Reason.AUTH),
    "missed": (Status.UNKNOWN, Reason.MISSED),
    "blocked": (Status.UNKNOWN, Reason.BLOCKED),
    "geo": (Status.UNKNOWN, Reason.GEO_BLOCKED),
    "interfered": (Status.UNKNOWN, Reason.INTERFERED),
    "overdue": (Status.UNKNOWN, Reason.OVERDUE),
}


def make_vote(region: str, saw: str, look: int = 1, domains: Mapping[str, str] = FIVE_REGIONS) -> Vote:
    """A vote of a region that saw one of `SEEN`."""
    status, reason = SEEN[saw]
    return Vote(region, domains[region], look, status, reason, 1_000_000, Phases(total_us=2_000), attempts=2)


def make_result(saw: str, round_id: str = "", look: int = 0, started_ms: int = 1_000_000) -> Result:
    """A result about `mon_example`: of a look where a round is given, else a scheduled one."""
    status, reason = SEEN[saw]
    return Result(
        v=WIRE_VERSION,
        monitor="mon_example",
        at_ms=started_ms,
        status=status,
        reason=reason,
        started_ms=started_ms,
        phases=Phases(total_us=2_000),
        round=round_id,
        look=look,
        attempts=2 if round_id else 1,
    )
