"""Sample evidence for pages: votes on an outage and on slow answers by five regions, and results of checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from consensus.review.evidence import to_evidence
from consensus.verdicts import VERDICT_VERSION, Cause, Excluded, Exclusion, Sensitivity, Verdict, VerdictReason, Vote
from probes import wire
from probes.reasons import Reason, Status
from probes.wire import Phases, Result

REGIONS = {"eu-west": "aws", "us-east": "aws", "ap-south": "gcp", "us-west": "hetzner", "eu-north": "ovh"}
SILENT, SLOW_IN = "ap-south", ("eu-west", "us-east", "eu-north")
#: Time to the end of the answer, now and before (microseconds).
SLOW_US, USUAL_US = 2_400_000, 610_000


def evidence(monitor: str, at: datetime) -> dict[str, Any]:
    """Evidence of an outage: four regions saw connection refused in two looks, and one was silent."""
    at_ms = round(at.timestamp() * 1000)
    votes = [
        Vote(region, domain, look, Status.DOWN, Reason.REFUSED, at_ms, Phases(total_us=900), attempts=2)
        for look in (1, 2)
        for region, domain in REGIONS.items()
        if region != SILENT
    ]
    excluded = [Excluded(SILENT, REGIONS[SILENT], Exclusion.NO_ANSWER, look) for look in (1, 2)]
    return _decided(monitor, at_ms, Reason.REFUSED, votes, excluded)


def slow_evidence(monitor: str, at: datetime) -> dict[str, Any]:
    """Evidence of slow answers in three of five regions, in two looks."""
    at_ms = round(at.timestamp() * 1000)
    votes = [
        Vote(region, domain, look, Status.DEGRADED, Reason.SLOW, at_ms, Phases(total_us=SLOW_US), usual_us=USUAL_US)
        if region in SLOW_IN
        else Vote(region, domain, look, Status.UP, Reason.OK, at_ms, Phases(total_us=USUAL_US))
        for look in (1, 2)
        for region, domain in REGIONS.items()
    ]
    return _decided(monitor, at_ms, Reason.SLOW, votes, [])


def _decided(
    monitor: str, at_ms: int, reason: Reason, votes: Sequence[Vote], excluded: Sequence[Excluded]
) -> dict[str, Any]:
    status, m = votes[0].status, len({vote.region for vote in votes})
    return to_evidence(
        Verdict(
            VERDICT_VERSION, "rnd_scene", monitor, status, VerdictReason.QUORUM_FAILED, reason, at_ms,
            at_ms - 12_000, at_ms - 12_500, len(REGIONS), m, 3, 4, list(votes), list(excluded), [],
            Sensitivity.NORMAL, Cause.FAILURE, "Confirmed in each of 2 looks.",
            looks_ms=[at_ms - 12_000, at_ms - 2_000],
        )
    )  # fmt: skip


def sample_result(monitor: str, at_ms: int, status: Status, reason: Reason, total_us: int) -> bytes:
    """The result of a check as it is kept; no time means that no connection was made."""
    facts: dict[str, Any] = {"certificate_days": 61} if total_us else {}
    phases = Phases(total_us // 30, total_us // 9, total_us // 6, total_us * 9 // 10, total_us)
    return wire.encode(Result(1, monitor, at_ms, status, reason, at_ms, phases, facts=facts))
