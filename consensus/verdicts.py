"""The messages of consensus: calls, rounds, votes, verdicts and beliefs.

Times are integers in milliseconds since the Unix epoch (UTC). Structs travel as MessagePack arrays, so fields are
only ever appended, each with a default. The bounds of a field are part of its type: what is beyond them is not decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from consensus.proof import LostWay
from consensus.vocabulary import Cause as Cause
from consensus.vocabulary import Exclusion as Exclusion
from consensus.vocabulary import Observed as Observed
from consensus.vocabulary import Sensitivity as Sensitivity
from consensus.vocabulary import VerdictReason as VerdictReason
from consensus.vocabulary import observed as observed
from probes.message_decoder import Count, Instant, MessageDecoder, Micros, Name, Number, Revision, Text
from probes.reasons import Reason, Status
from probes.wire import Phases, Result

VERDICT_VERSION = 1

#: Version of the decision law; stored with every verdict so that a replay knows which law to apply.
#: 2: where a monitor has three domains or more, a quorum spans two at least.
#: 3: where at least as many regions have lost their own way as can vote, two votes are enough.
RULE_VERSION = 3


#: A monitor has this many regions at most in a message, and a round so many votes.
REGIONS, VOTES = Meta(max_length=1_000), Meta(max_length=10_000)
Looks = Annotated[list[Instant], Meta(max_length=100)]
#: A round without a look could neither be asked nor end.
SomeLooks = Annotated[list[Instant], Meta(min_length=1, max_length=100)]
Explanation = Annotated[str, Meta(max_length=2_000_000)]


class Call(msgspec.Struct, frozen=True, array_like=True):
    """A request for a round: `region` saw something that contradicts what is believed of the monitor there."""

    v: Count
    monitor: Name
    region: Name
    cause: Cause
    at_ms: Instant
    status: Status = Status.UNKNOWN
    reason: Reason = Reason.OK


class Elector(msgspec.Struct, frozen=True, array_like=True):
    """A region that may vote in a round, and the failure domain it shares with others."""

    region: Name
    domain: Name


class Excluded(msgspec.Struct, frozen=True, array_like=True):
    """A region without a vote, and why; `look` 0 means the whole round."""

    region: Name
    domain: Name
    why: Exclusion
    look: Count = 0


class Round(msgspec.Struct, frozen=True, array_like=True):
    """All eligible regions asked at the same time about one monitor.

    `assigned` counts the monitor's regions (n). Look i (from 1) starts at `looks_ms[i-1]` and is closed
    `look_length_ms` later at the latest. Carries its electorate, so consensus needs no copy of the configuration.
    """

    v: Count
    id: Name
    monitor: Name
    cause: Cause
    caller: Name
    opened_ms: Instant
    sensitivity: Sensitivity
    assigned: Count
    electorate: Annotated[list[Elector], REGIONS]
    excluded: Annotated[list[Excluded], REGIONS]
    looks_ms: SomeLooks
    look_length_ms: Instant
    revision: Revision = 0
    #: The first observation that led to this round, for the incident's start.
    suspected_ms: Instant = 0
    #: What the target belongs to and may fail with: its provider, its domain, or its address. "" where it is not known.
    site: Name = ""
    #: How many other sites are watched, as far as that matters: with few of them no comparison proves anything.
    other_sites: Count = 0


class Vote(msgspec.Struct, frozen=True, array_like=True):
    """A fresh result of a round from an eligible region; `at_ms` is when its check started.

    `barred` says why it does not count although it came; `usual_us` is the baseline of the monitor in this region.
    """

    region: Name
    domain: Name
    look: Count
    status: Status
    reason: Reason
    at_ms: Instant
    phases: Phases
    attempts: Count = 1
    code: Number = 0
    detail: Text = ""
    barred: Exclusion | None = None
    usual_us: Micros = 0
    #: The address that was dialled, where the prober gave it: monitors that fail together may share it.
    address: Text = ""


class Verdict(msgspec.Struct, frozen=True, array_like=True):
    """The decision on a round, with everything needed to explain it and to reach it again.

    n regions are assigned, m voted in the deciding look, k of them are a quorum; `domains` of the m are present.
    `dissent` names the regions whose vote contradicts the status. `failure` is the commonest reason of the
    votes that did not pass. `epoch` fences: a decider that lost its lease has a smaller one.
    """

    v: Count
    round: Name
    monitor: Name
    status: Status
    reason: VerdictReason
    failure: Reason
    decided_ms: Instant
    opened_ms: Instant
    suspected_ms: Instant
    n: Count
    m: Count
    k: Count
    domains: Count
    votes: Annotated[list[Vote], VOTES]
    excluded: Annotated[list[Excluded], VOTES]
    dissent: Annotated[list[Name], REGIONS]
    sensitivity: Sensitivity
    cause: Cause
    explanation: Explanation
    rule: Count = RULE_VERSION
    epoch: Revision = 0
    revision: Revision = 0
    #: Every region assigned to the monitor when the round was opened, whether it could vote or not.
    assigned: Annotated[list[Name], REGIONS] = []
    #: Who could vote, when the looks began, and how many had reached their deadline: what a replay needs.
    electorate: Annotated[list[Elector], REGIONS] = []
    looks_ms: Looks = []
    closed: Count = 0
    #: The shard whose leader wrote it, which `epoch` is of; "" for one that has all monitors.
    shard: Name = ""


class Quarantine(msgspec.Struct, frozen=True, array_like=True):
    """A region whose votes do not count for now, why, and in words for its operator."""

    v: Count
    region: Name
    since_ms: Instant
    why: Exclusion
    text: Text = ""
    #: All regions that have lost their own way, where those that can vote are no more than them; and the others.
    together: Annotated[list[Name], REGIONS] = []
    seeing: Annotated[list[Name], REGIONS] = []
    #: What proved it of several regions at once.
    proof: LostWay | None = None


class Dissent(msgspec.Struct, frozen=True, array_like=True):
    """What a region saw that contradicts the belief, and in how many rounds in a row it saw just that."""

    saw: Observed
    rounds: Count


class Belief(msgspec.Struct, frozen=True, array_like=True):
    """What vigil has committed of a monitor; a monitor without one is UP everywhere.

    `dissent` maps a region that contradicts `status` to what it saw instead, and how often.
    `passed_rounds` counts passing rounds since DOWN; `since_ms` is when `status` began, `round_ms` when the last
    applied round was opened. `account` says that the key is at fault and the target is not; `blind` that too few
    regions could vote when it was last asked.
    """

    v: Count
    status: Status
    since_ms: Instant
    dissent: Annotated[dict[Name, Dissent], REGIONS] = {}
    passed_rounds: Count = 0
    incident: Name = ""
    account: bool = False
    round_ms: Instant = 0
    blind: bool = False


_encoder = msgspec.msgpack.Encoder()
#: Each decodes one message, and raises `msgspec.DecodeError` on anything else.
decode_call: MessageDecoder[Call] = MessageDecoder(Call, 16 * 1024)
decode_round: MessageDecoder[Round] = MessageDecoder(Round, 1024 * 1024)
decode_verdict: MessageDecoder[Verdict] = MessageDecoder(Verdict, 16 * 1024 * 1024)
decode_belief: MessageDecoder[Belief] = MessageDecoder(Belief, 1024 * 1024)
decode_quarantine: MessageDecoder[Quarantine] = MessageDecoder(Quarantine, 1024 * 1024)
#: What is believed of some monitors now; None of one that is plainly up.
decode_belief_changes: MessageDecoder[dict[str, Belief | None]] = MessageDecoder(
    dict[str, Belief | None], 64 * 1024 * 1024
)


def vote_of(elector: Elector, result: Result, why_not: Exclusion | None = None) -> Vote:
    """The vote of an elector from its result; `why_not` bars it from counting."""
    return Vote(
        elector.region,
        elector.domain,
        result.look,
        result.status,
        result.reason,
        result.started_ms,
        result.phases,
        result.attempts,
        result.code,
        result.detail,
        why_not,
        0,
        str(result.facts.get("address", "")),
    )


def encode(message: Call | Round | Verdict | Belief | Quarantine) -> bytes:
    return _encoder.encode(message)


def encode_belief_changes(changes: Mapping[str, Belief | None]) -> bytes:
    """The beliefs of some monitors; None for one that is up."""
    return _encoder.encode(changes)
