"""The messages of consensus: calls, rounds, votes, verdicts and beliefs.

Times are integers in milliseconds since the Unix epoch (UTC). Structs travel as MessagePack arrays, so fields are
only ever appended, each with a default.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from consensus.vocabulary import Cause as Cause
from consensus.vocabulary import Exclusion as Exclusion
from consensus.vocabulary import Observed as Observed
from consensus.vocabulary import Sensitivity as Sensitivity
from consensus.vocabulary import VerdictReason as VerdictReason
from consensus.vocabulary import observed as observed
from probes.reasons import Reason, Status
from probes.wire import Phases

VERDICT_VERSION = 1

#: Version of the decision law; stored with every verdict so that a replay knows which law to apply.
#: 2: where a monitor has three domains or more, a quorum spans two at least.
RULE_VERSION = 2


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
    """A fresh result of a round from an eligible region; `at_ms` is when its check started.

    `barred` says why it does not count although it came; `usual_us` is the baseline of the monitor in this region.
    """

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
    barred: Exclusion | None = None
    usual_us: int = 0
    #: The address that was dialled, where the prober gave it: monitors that fail together may share it.
    address: str = ""


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
    #: Who could vote, when the looks began, and how many had reached their deadline: what a replay needs.
    electorate: list[Elector] = []
    looks_ms: list[int] = []
    closed: int = 0


class Quarantine(msgspec.Struct, frozen=True, array_like=True):
    """A region whose votes do not count for now, why, and in words for its operator."""

    v: int
    region: str
    since_ms: int
    why: Exclusion
    text: str = ""


class Dissent(msgspec.Struct, frozen=True, array_like=True):
    """What a region saw that contradicts the belief, and in how many rounds in a row it saw just that."""

    saw: Observed
    rounds: int


class Belief(msgspec.Struct, frozen=True, array_like=True):
    """What vigil has committed of a monitor; a monitor without one is UP everywhere.

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
_belief_changes_decoder = msgspec.msgpack.Decoder(dict[str, Belief | None])
_quarantine_decoder = msgspec.msgpack.Decoder(Quarantine)


def encode(message: Call | Round | Verdict | Belief | Quarantine) -> bytes:
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


def decode_quarantine(payload: bytes) -> Quarantine:
    """Decode a quarantine; raises `msgspec.DecodeError` on anything else."""
    return _quarantine_decoder.decode(payload)


def encode_belief_changes(changes: Mapping[str, Belief | None]) -> bytes:
    """The beliefs of some monitors; None for one that is up."""
    return _encoder.encode(changes)


def decode_belief_changes(payload: bytes) -> dict[str, Belief | None]:
    """Decode changes of beliefs; raises `msgspec.DecodeError` on anything else."""
    return _belief_changes_decoder.decode(payload)
