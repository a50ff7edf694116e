"""Regions as pages show them: how far each is on the way to its first vote, and how well its worker keeps up.

Four queries, whatever the number of regions, and three commands to Redis. While Redis is away nothing is claimed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q

from consensus.review.evidence import from_evidence, is_verdict
from probes.wire import RegionStatus
from vigil.accounts.models import Team
from vigil.dispatch.core.shadow import AGREED_MOST
from vigil.enrolment.models import RegionShadow
from vigil.incidents.models import Transition
from vigil.monitors.live.results import instant, region_quarantines, region_shares, region_statuses
from vigil.monitors.models import Monitor, Region

#: Stored verdicts that the share of disagreement is of, and how far back they are read.
VERDICTS_MOST, VERDICTS_WITHIN = 1_000, timedelta(days=7)
#: A worker is late, or its clock off, from here on (ms).
LATE_MS, SKEW_MS = 30_000, 2_000


class Milestone(StrEnum):
    """Steps of a region on its way to vote."""

    ENROLLED = "enrolled"
    CONNECTED = "connected"
    FIRST_CHECK = "first check"
    AGREED = "agreed in shadow"
    VOTING = "voting"


class RegionState(StrEnum):
    """What a region is at the moment; the worst comes first."""

    SILENT = "silent"
    QUARANTINED = "in quarantine"
    ADRIFT = "lost its network"
    LATE = "late"
    SKEWED = "its clock is off"
    WAITING = "waiting"
    SHADOW = "in shadow"
    DRAINED = "drained"
    VOTING = "voting"
    UNCLEAR = "not known"


@dataclass(frozen=True, slots=True)
class RegionRow:
    """One region. `status` is None without a sign of life within 45 s, or while Redis is away."""

    region: Region
    state: RegionState
    status: RegionStatus | None
    quarantine: str
    share: float
    monitors: int
    reached: frozenset[Milestone]
    missing: str
    rounds: int = 0
    disagreed: int = 0

    @property
    def heard_at(self) -> datetime | None:
        return instant(self.status.at_ms) if self.status else None

    @property
    def disagreement(self) -> float | None:
        """Share of its stored rounds in which it saw what the quorum did not; None without any."""
        return self.disagreed / self.rounds if self.rounds else None


@dataclass(frozen=True, slots=True)
class Bereft:
    """Monitors of a team that would be left with few regions without one: how many, and with how many."""

    monitors: int
    left: int


def read_regions(team: Team, now: datetime) -> tuple[bool, list[RegionRow]]:
    """Every region, and whether Redis answered; counts of monitors are those of the team."""
    of_team = Count("monitors", filter=Q(monitors__team=team, monitors__deleted_at=None))
    of_any = Exists(Monitor.regions.through.objects.filter(region=OuterRef("pk"), monitor__deleted_at=None))
    found_regions = Region.objects.select_related("shadow").annotate(watching=of_team, is_used=of_any)
    regions = list(found_regions.order_by("slug"))
    found = region_statuses([region.slug for region in regions])
    held, shares, votes = region_quarantines(), region_shares(), _votes(now)
    rows = []
    for region in regions:
        row = _row(region, found.by_region.get(region.slug), held.get(region.slug, ""), found.available, region.is_used)
        rounds, disagreed = votes.get(region.slug, (0, 0))
        share = shares.get(region.slug, 1.0)
        rows.append(replace(row, share=share, monitors=region.watching, rounds=rounds, disagreed=disagreed))
    return found.available, rows


def left_without(team: Team, region: Region) -> list[Bereft]:
    """What a team's monitors would be left with without a region: the fewest regions first."""
    own = Monitor.objects.filter(team=team, deleted_at=None, regions=region).values_list("pk", flat=True)
    counted = Monitor.objects.filter(pk__in=own).annotate(others=Count("regions") - 1).values_list("others", flat=True)
    return [Bereft(monitors, left) for left, monitors in sorted(Counter(counted).items())]


def _row(region: Region, status: RegionStatus | None, quarantine: str, available: bool, is_used: bool) -> RegionRow:
    reached = {Milestone.ENROLLED} if region.public_key or region.worker_since or status else set()
    if region.worker_since or status:
        reached.add(Milestone.CONNECTED)
    if status and status.completed_ms:
        reached.add(Milestone.FIRST_CHECK)
    state = _state(region, status, quarantine, available)
    if Milestone.FIRST_CHECK in reached and not is_in_shadow(region):
        reached.add(Milestone.AGREED)
        if status and state in (RegionState.VOTING, RegionState.LATE):
            reached.add(Milestone.VOTING)
    missing = _missing(region, state, reached, is_used)
    return RegionRow(region, state, status, quarantine, 1.0, 0, frozenset(reached), missing)


def _state(region: Region, status: RegionStatus | None, quarantine: str, available: bool) -> RegionState:
    if not region.enabled:
        return RegionState.DRAINED
    if not available:
        return RegionState.UNCLEAR
    if status is None:
        return RegionState.SILENT if region.worker_since else RegionState.WAITING
    if quarantine:
        return RegionState.QUARANTINED
    if status.is_adrift:
        return RegionState.ADRIFT
    if abs(status.clock_offset_ms) > SKEW_MS:
        return RegionState.SKEWED
    if is_in_shadow(region):
        return RegionState.SHADOW
    return RegionState.LATE if status.queue_age_ms > LATE_MS else RegionState.VOTING


def is_in_shadow(region: Region) -> bool:
    """Whether a region is new, and its votes do not count yet; select `shadow` with the regions."""
    found: RegionShadow | None = getattr(region, "shadow", None)
    return found is not None and found.voting_since is None


def _missing(region: Region, state: RegionState, reached: set[Milestone], is_used: bool) -> str:
    """What is missing to the next step, in one sentence; empty where nothing is."""
    if state is RegionState.UNCLEAR:
        return "Redis is away, so nothing is known of its worker."
    if state is RegionState.DRAINED:
        return "It is sent no checks. Switch it on to have its votes again."
    if Milestone.ENROLLED not in reached:
        return "No worker is enrolled. Run the line that was shown, or rotate its keys for a new one."
    if state is RegionState.WAITING:
        return "Its worker is enrolled, and has not connected yet."
    if state is RegionState.SILENT and not region.signing_key:
        return "Its worker does not sign what it writes, so that is refused. Give it a new key, and this release."
    if state is RegionState.SILENT:
        return "Its worker sends no sign of life. Its votes do not count, and it harms no monitor."
    if Milestone.FIRST_CHECK not in reached:
        watched = "" if is_used else " No monitor is checked from it: choose it on a monitor's page."
        return f"Its worker has finished no check yet.{watched}"
    if state is RegionState.SHADOW:
        return f"It is new. {region.shadow.agreed} of {AGREED_MOST} checks in a row agreed with the other regions."
    return ""


def _votes(now: datetime) -> Mapping[str, tuple[int, int]]:
    """Rounds that each region voted in, and those in which it disagreed, of the verdicts that made steps."""
    steps = Transition.objects.filter(at__gt=now - VERDICTS_WITHIN, evidence__has_keys=["round", "votes"])
    stored: Sequence[Any] = list(steps.order_by("-pk").values_list("evidence", flat=True)[:VERDICTS_MOST])
    voted: Counter[str] = Counter()
    disagreed: Counter[str] = Counter()
    for evidence in stored:
        if not is_verdict(evidence):
            continue
        verdict = from_evidence(evidence)
        voted.update({vote.region for vote in verdict.votes})
        disagreed.update(set(verdict.dissent))
    return {region: (count, min(count, disagreed[region])) for region, count in voted.items()}
