"""Incident model: kinds, steps, reasons, and the state of a monitor. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from consensus.verdicts import Dissent
from consensus.vocabulary import Observed
from probes.reasons import Status


class IncidentKind(StrEnum):
    OUTAGE = "outage"
    DEGRADED = "degraded"
    ACCOUNT = "account"
    REGIONAL = "regional"
    BLIND = "blind"
    #: A job whose ping is missing, or that reported a failure.
    HEARTBEAT = "heartbeat"
    #: An error budget burns too fast (burn rate).
    SLO = "slo"
    #: A synthetic incident that proves delivery.
    SELF_TEST = "self_test"
    #: A channel that was switched off after permanent refusals.
    CHANNEL = "channel"
    #: What another system reports, such as Alertmanager.
    EXTERNAL = "external"


class Step(StrEnum):
    """A step of an incident, as stored in a transition."""

    OPENED = "opened"
    CHANGED = "changed"
    NOTE = "note"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    ESCALATED = "escalated"
    REMINDED = "reminded"


class StepReason(StrEnum):
    """Reason of a step, or why a verdict had no effect."""

    CONFIRMED = "confirmed"
    WORSENED = "worsened"
    IMPROVED = "improved"
    RECOVERING = "recovering"
    RECOVERED = "recovered"
    STILL_FAILING = "still_failing"
    STILL_PASSING = "still_passing"
    FIRST_PASS = "first_pass"
    FLAPPING = "flapping"
    STABLE_AGAIN = "stable_again"
    MINORITY_FAILS = "minority_fails"
    MINORITY_RECOVERED = "minority_recovered"
    MINORITY_EXCLUDED = "minority_excluded"
    WHOLE_DOMAIN_FAILS = "whole_domain_fails"
    BECAME_OUTAGE = "became_outage"
    TOO_FEW_VOTES = "too_few_votes"
    CAN_SEE_AGAIN = "can_see_again"
    NO_QUORUM = "no_quorum"
    OLD_ROUND = "old_round"
    OLD_REVISION = "old_revision"
    OLD_EPOCH = "old_epoch"
    REGION_DARK = "region_dark"
    REGION_BACK = "region_back"
    REGION_SICK = "region_sick"
    REGION_WELL = "region_well"
    REGIONS_LOST = "regions_lost"
    REGIONS_FOUND = "regions_found"
    MONITOR_PAUSED = "monitor_paused"
    MONITOR_DELETED = "monitor_deleted"
    PING_MISSED = "ping_missed"
    JOB_FAILED = "job_failed"
    JOB_OVERRAN = "job_overran"
    JOB_WELL = "job_well"
    BUDGET_EXCEEDED = "budget_exceeded"
    BUDGET_KEPT = "budget_kept"
    NOT_RECEIVING = "not_receiving"
    RECEIVING_AGAIN = "receiving_again"
    # Provider incidents.
    FAILING_TOGETHER = "failing_together"
    ALSO_FAILING = "also_failing"
    PROVIDER_DECLARED = "provider_declared"
    BURNING_FAST = "burning_fast"
    BURNING_STEADILY = "burning_steadily"
    BURNING_SLOWLY = "burning_slowly"
    BURN_OVER = "burn_over"
    SELF_TEST = "self_test"
    DEAD_LETTERS = "dead_letters"
    NO_DEAD_LETTERS = "no_dead_letters"
    DISK_SHORT = "disk_short"
    DISK_WELL = "disk_well"
    EXPIRES_SOON = "expires_soon"
    EXPIRY_AVERTED = "expiry_averted"
    HEADROOM_SHORT = "headroom_short"
    HEADROOM_BACK = "headroom_back"
    REGIONS_KEPT_OUT = "regions_kept_out"
    REGIONS_ADMITTED = "regions_admitted"
    CHANNEL_REFUSES = "channel_refuses"
    CHANNEL_BACK = "channel_back"
    EXTERNAL_FIRING = "external_firing"
    EXTERNAL_RESOLVED = "external_resolved"
    EXTERNAL_UNHEARD = "external_unheard"
    BY_PERSON = "by_person"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    SNOOZE_OVER = "snooze_over"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True)
class BelievedState:
    """State of one monitor. `flips_ms` are recent times it went down or recovered.

    `since_ms` is when it was confirmed, or got worse; what only improves keeps it.
    """

    status: Status = Status.UNKNOWN
    since_ms: int = 0
    account: bool = False
    dissent: Mapping[str, Dissent] = field(default_factory=dict)
    passed_rounds: int = 0
    round_ms: int = 0
    flips_ms: tuple[int, ...] = ()
    open: IncidentKind | None = None
    regional: bool = False
    blind: bool = False
    flapping: bool = False
    #: Cause of blindness its operator was alerted for; "" while none.
    blind_cause: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A step to write. `started_ms`: first failing observation; `cause` separates shared incidents (blindness)."""

    kind: IncidentKind
    step: Step
    reason: StepReason
    started_ms: int = 0
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """Effect of a verdict: next state, steps to write in the same transaction, reason."""

    state: BelievedState
    moves: tuple[Move, ...]
    reason: StepReason


def believed(state: BelievedState) -> Observed | None:
    """What regions are expected to see in this state; None while unknown."""
    if state.account:
        return Observed.ACCOUNT
    return {Status.UP: Observed.PASSING, Status.DEGRADED: Observed.DEGRADED, Status.DOWN: Observed.FAILING}.get(
        state.status
    )
