"""The enums of consensus: sensitivity, cause, observation, exclusion and reason of a verdict. Pure."""

from __future__ import annotations

from enum import StrEnum

from probes.reasons import ACCOUNT_REASONS, Reason, Status


class Sensitivity(StrEnum):
    """How much proof a monitor needs before DOWN: 1 look, 2 looks 10 s apart, or 3 looks over 60 s."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Cause(StrEnum):
    """Why a round was called."""

    FIRST_LOOK = "first_look"
    FAILURE = "failure"
    SUCCESS = "success"
    DEGRADED = "degraded"
    OVERDUE = "overdue"
    RECHECK = "recheck"
    #: Other targets are looked at, to learn whether regions that fail together see anything.
    COMPARISON = "comparison"


class Exclusion(StrEnum):
    """Why a region has no vote in a look: it leaves the denominator."""

    DARK = "dark"
    SICK = "sick"
    CLOCK_SKEW = "clock_skew"
    CONFIG_STALE = "config_stale"
    NO_ANSWER = "no_answer"
    MISSED = "missed"
    BLOCKED = "blocked"
    PROBE_ERROR = "probe_error"
    ANCHORS = "anchors"
    GEO_BLOCKED = "geo_blocked"
    INTERFERED = "interfered"
    LOST_WAY = "lost_way"
    SHADOW = "shadow"


#: A region that has lost its own way: by the rule for one region, by its anchors, or together with others.
OWN_WAY = frozenset({Exclusion.SICK, Exclusion.ANCHORS, Exclusion.LOST_WAY})


class Observed(StrEnum):
    """The four kinds of a vote, with account problems apart from outages."""

    PASSING = "passing"
    DEGRADED = "degraded"
    ACCOUNT = "account"
    FAILING = "failing"


def observed(status: Status, reason: Reason) -> Observed | None:
    """The vote of a result; None for UNKNOWN, which is never a vote."""
    if status is Status.UP:
        return Observed.PASSING
    if status is Status.UNKNOWN:
        return None
    if reason in ACCOUNT_REASONS:
        return Observed.ACCOUNT
    return Observed.DEGRADED if status is Status.DEGRADED else Observed.FAILING


class VerdictReason(StrEnum):
    """Why a verdict is what it is."""

    QUORUM_FAILED = "quorum_failed"
    QUORUM_DEGRADED = "quorum_degraded"
    QUORUM_PASSED = "quorum_passed"
    ACCOUNT = "account"
    SPLIT = "split"
    DOMAINS = "domains"
    NOT_LASTING = "not_lasting"
    TOO_FEW_VOTES = "too_few_votes"
