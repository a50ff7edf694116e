"""What the life of an incident consists of: its kinds, steps and reasons, and the state of a monitor. Pure."""

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
    #: A job that should have called, and did not or said that it failed.
    HEARTBEAT = "heartbeat"
    #: The error budget of an objective burns too fast.
    SLO = "slo"
    #: Nothing is wrong: alerts prove that they get out.
    SELF_TEST = "self_test"
    #: A channel that was switched off since it refused alerts for good.
    CHANNEL = "channel"


class Step(StrEnum):
    """One step in an incident's life, as stored in a transition."""

    OPENED = "opened"
    CHANGED = "changed"
    NOTE = "note"
    RESOLVED = "resolved"
    #: What people and the clock do to an incident that is open.
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    ESCALATED = "escalated"
    REMINDED = "reminded"


class StepReason(StrEnum):
    """Why a verdict had the effect it had, or none; or what else made a step."""

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
    MONITOR_PAUSED = "monitor_paused"
    MONITOR_DELETED = "monitor_deleted"
    # What a heartbeat's pings, or their absence, say.
    PING_MISSED = "ping_missed"
    JOB_FAILED = "job_failed"
    JOB_OVERRAN = "job_overran"
    JOB_WELL = "job_well"
    BUDGET_EXCEEDED = "budget_exceeded"
    BUDGET_KEPT = "budget_kept"
    NOT_RECEIVING = "not_receiving"
    RECEIVING_AGAIN = "receiving_again"
    # Monitors of one provider that fail together, and what the provider says of itself.
    FAILING_TOGETHER = "failing_together"
    ALSO_FAILING = "also_failing"
    PROVIDER_DECLARED = "provider_declared"
    # How fast the error budget of an objective burns.
    BURNING_FAST = "burning_fast"
    BURNING_STEADILY = "burning_steadily"
    BURNING_SLOWLY = "burning_slowly"
    BURN_OVER = "burn_over"
    SELF_TEST = "self_test"
    DEAD_LETTERS = "dead_letters"
    NO_DEAD_LETTERS = "no_dead_letters"
    CHANNEL_REFUSES = "channel_refuses"
    CHANNEL_BACK = "channel_back"
    # What people and the clock do.
    BY_PERSON = "by_person"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    SNOOZE_OVER = "snooze_over"
    TAKEN_BACK = "taken_back"


@dataclass(frozen=True, slots=True)
class BelievedState:
    """What is believed of one monitor. `flips_ms` are the recent times it went down or came back."""

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
    #: For which cause its operator was told that it is blind; "" while it is not, or was in one round only.
    blind_cause: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """One step to write: of which kind of incident, and why. `started_ms` is the first failing observation.

    `cause` tells apart the incidents that many monitors share: those of blindness.
    """

    kind: IncidentKind
    step: Step
    reason: StepReason
    started_ms: int = 0
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a verdict does: the next state, the steps to write in the same transaction, and the reason."""

    state: BelievedState
    moves: tuple[Move, ...]
    reason: StepReason


def believed(state: BelievedState) -> Observed | None:
    """What every region is expected to see of a monitor in this state; None while nothing is known."""
    if state.account:
        return Observed.ACCOUNT
    return {Status.UP: Observed.PASSING, Status.DEGRADED: Observed.DEGRADED, Status.DOWN: Observed.FAILING}.get(
        state.status
    )
