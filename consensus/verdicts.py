"""The messages of judgement: calls, rounds, votes, verdicts and beliefs.

Times are integers in milliseconds since the Unix epoch (UTC). Structs travel as MessagePack arrays, so fields are
only ever appended, each with a default.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from probes.reasons import ACCOUNT_REASONS, Reason, Status
from probes.wire import Phases

VERDICT_VERSION = 1

#: Version of the decision law; stored with every verdict so that a replay knows which law to apply.
RULE_VERSION = 1


class Sensitivity(StrEnum):
    """How much proof a monitor wants before DOWN: 1 look, 2 looks 10 s apart, or 3 looks over 60 s."""

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


class Observed(StrEnum):
    """The four things a vote can say, once account problems are told apart from outages."""

    PASSING = "passing"
    DEGRADED = "degraded"
    ACCOUNT = "account"
    FAILING = "failing"


def observed(status: Status, reason: Reason) -> Observed | None:
    """What a result says of its target; None when it says nothing (UNKNOWN is never a vote)."""
    if status is Status.UP:
        return Observed.PASSING
    if status is Status.UNKNOWN:
        return None
    if reason in ACCOUNT_REASONS:
        return Observed.ACCOUNT
    return Observed.DEGRADED if status is Status.DEGRADED else Observed.FAILING


class VerdictReason(StrEnum):
    """What the law found."""

    QUORUM_FAILED = "quorum_failed"
    QUORUM_DEGRADED = "quorum_degraded"
    QUORUM_PASSED = "quorum_passed"
    ACCOUNT = "account"
    SPLIT = "split"
    DOMAINS = "domains"
    NOT_LASTING = "not_lasting"
    TOO_FEW_VOTES = "too_few_votes"


class Call(msgspec.Struct, frozen=True, array_like=True):
    """A request for a round: `region` saw something that contradicts what is believed of the monitor there."""

    v: int
    monitor: str
    region: str
    cause: Cause
    at_ms: int
    status: Status = Status.UNKNOWN
    reason: Reason = Reason.OK


class Elector(msgspec.Struct, frozen=True, array_like=True):
    """A region that may vote in a round, and the failure domain it shares with others."""

    region: str
    domain: str


class Excluded(msgspec.Struct, frozen=True, array_like=True):
    """A region without a vote, and why; `look` 0 means the whole round."""

    region: str
    domain: str
    why: Exclusion
    look: int = 0


class Round(msgspec.Struct, frozen=True, array_like=True):
    """All eligible regions asked at the same time about one monitor.

    `assigned` counts the monitor's regions (n). Look i (from 1) starts at `looks_ms[i-1]` and is closed
    `look_length_ms` later at the latest. Carries its electorate, so consensus needs no copy of the configuration.
    """

    v: int
    id: str
    monitor: str
    cause: Cause
    caller: str
    opened_ms: int
    sensitivity: Sensitivity
    assigned: int
    electorate: list[Elector]
    excluded: list[Excluded]
    looks_ms: list[int]
    look_length_ms: int
    revision: int = 0
    #: The first observation that led to this round, for the incident's start.
    suspected_ms: int = 0


class Vote(msgspec.Struct, frozen=True, array_like=True):
    """A fresh result of a round from an eligible region; `at_ms` is when its check started."""

    region: str
    domain: str
    look: int
    status: Status
    reason: Reason
    at_ms: int
    phases: Phases
    attempts: int = 1
    code: int = 0
    detail: str = ""


class Verdict(msgspec.Struct, frozen=True, array_like=True):
    """The decision on a round, with everything needed to explain it and to reach it again.

    n regions are assigned, m voted in the deciding look, k of them are a quorum; `domains` of the m are present.
    `dissent` names the regions whose vote contradicts the status. `failure` is the commonest reason of the
    votes that did not pass. `epoch` fences: a decider that lost its lease has a smaller one.
    """

    v: int
    round: str
    monitor: str
    status: Status
    reason: VerdictReason
    failure: Reason
    decided_ms: int
    opened_ms: int
    suspected_ms: int
    n: int
    m: int
    k: int
    domains: int
    votes: list[Vote]
    excluded: list[Excluded]
    dissent: list[str]
    sensitivity: Sensitivity
    cause: Cause
    explanation: str
    rule: int = RULE_VERSION
    epoch: int = 0
    revision: int = 0
    #: Every region assigned to the monitor when the round was opened, whether it could vote or not.
    assigned: list[str] = []


class Dissent(msgspec.Struct, frozen=True, array_like=True):
    """What a region saw that contradicts the belief, and in how many rounds in a row it saw just that."""

    saw: Observed
    rounds: int


class Belief(msgspec.Struct, frozen=True, array_like=True):
    """What vigil has committed of a monitor; a monitor without one is believed UP everywhere.

    `dissent` maps a region that contradicts `status` to what it saw instead, and how often.
    `passed_rounds` counts passing rounds since DOWN; `since_ms` is when `status` began, `round_ms` when the last
    applied round was opened. `account` says that the key is at fault and the target is not; `blind` that too few
    regions could vote when it was last asked.
    """

    v: int
    status: Status
    since_ms: int
    dissent: dict[str, Dissent] = {}
    passed_rounds: int = 0
    incident: str = ""
    account: bool = False
    round_ms: int = 0
    blind: bool = False


_encoder = msgspec.msgpack.Encoder()
_call_decoder = msgspec.msgpack.Decoder(Call)
_round_decoder = msgspec.msgpack.Decoder(Round)
_verdict_decoder = msgspec.msgpack.Decoder(Verdict)
_belief_decoder = msgspec.msgpack.Decoder(Belief)


def encode(message: Call | Round | Verdict | Belief) -> bytes:
    return _encoder.encode(message)


def decode_call(payload: bytes) -> Call:
    """Decode a call; raises `msgspec.DecodeError` on anything else."""
    return _call_decoder.decode(payload)


def decode_round(payload: bytes) -> Round:
    """Decode a round; raises `msgspec.DecodeError` on anything else."""
    return _round_decoder.decode(payload)


def decode_verdict(payload: bytes) -> Verdict:
    """Decode a verdict; raises `msgspec.DecodeError` on anything else."""
    return _verdict_decoder.decode(payload)


def decode_belief(payload: bytes) -> Belief:
    """Decode a belief; raises `msgspec.DecodeError` on anything else."""
    return _belief_decoder.decode(payload)
