"""Boundaries behind which regions, consensus and dispatch write: everything that is read from Redis."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec
from msgspec.structs import replace

from consensus.admission import admit_quarantines, admit_round, admit_verdict
from consensus.baselines import Baselines
from consensus.fold import Fold
from consensus.process.handover import _decode_series
from consensus.process.stream import _readable_id
from consensus.review.evidence import to_evidence
from consensus.verdicts import (
    Belief,
    Call,
    Dissent,
    Quarantine,
    Round,
    Verdict,
    decode_belief,
    decode_belief_changes,
    decode_call,
    encode,
)
from consensus.vocabulary import Cause, Exclusion, Observed
from probes import keys
from probes.admission import admit_latest, admit_results, admit_status
from probes.message_decoder import LAST_MS
from probes.process.dead_letters import DEAD_LETTER_VERSION, DeadLetterMessage, read_letter
from probes.reasons import Reason, Refusal, Status
from probes.signing.control_macs import ControlMacs
from probes.wire import Batch, Check, Lane, Phases, RegionStatus, Result, decode_batch
from tests.consensus.examples import make_round
from tests.poison.boundary import Boundary, assert_storable, packed
from tests.poison.changes import ODD_TEXTS, changed_bytes
from tests.probes.hostile_results import NOW_MS, entry_by_chance
from vigil.dispatch.core.looks import OpenLooks
from vigil.dispatch.core.opening import SUSPECTED_MOST_MS, ineligible, open_round
from vigil.dispatch.core.plans import Plan, RegionPlan, look_orders
from vigil.incidents.core import lifecycle
from vigil.incidents.core.model import BelievedState
from vigil.monitors.live.results import _readable_shares, instant

ROUND = replace(make_round(opened_ms=NOW_MS), id="rnd_a", monitor="mon_a", revision=7)
REGIONS = [elector.region for elector in ROUND.electorate]
PLAN = Plan(
    "mon_a", "http", 60_000, 10_000, b"", tuple(RegionPlan(region, "aws") for region in REGIONS), ROUND.sensitivity, 7
)
FAIL = Result(
    1, "mon_a", NOW_MS, Status.DOWN, Reason.REFUSED, NOW_MS, Phases(total_us=9), detail="refused",
    facts={"address": "192.0.2.1"}, revision=7,
)  # fmt: skip
CALL = Call(1, "mon_a", REGIONS[0], Cause.FAILURE, NOW_MS, Status.DOWN, Reason.REFUSED)
BELIEF = Belief(1, Status.DOWN, NOW_MS, {REGIONS[0]: Dissent(Observed.PASSING, 2)}, 1, "inc_a", False, NOW_MS)
STATUS = RegionStatus(1, NOW_MS, 3, 0, 2, NOW_MS, "0" * 32, "0.1.0", b"\1" * 32, "private", 2, 1, True, 5)
CHECK = Check(1, "mon_a", "http", NOW_MS, NOW_MS, 900, msgspec.Raw(b"\x80"), b"box", "rnd_a", 1, 9, 7, "a", 60_000)


def verdict() -> Verdict:
    """A verdict as consensus writes it: DOWN by all regions."""
    fold = Fold()
    said: list[Any] = [fold.open(ROUND, NOW_MS)]
    for region in REGIONS:
        vote = replace(FAIL, round="rnd_a", look=1, started_ms=NOW_MS + 1)
        said.append(fold.result(region, vote, NOW_MS + 100, NOW_MS + 100))
    (found,) = [one for one in said if isinstance(one, Verdict)]
    return found


def decoded(decode: Callable[[bytes], Any], read: Callable[[Any], None]) -> Callable[[bytes], None]:
    """Reads what `decode` takes; what it refuses, by its one error, is dropped."""

    def both(payload: bytes) -> None:
        try:
            message = decode(payload)
        except msgspec.DecodeError:
            return
        read(message)

    return both


def read_results(payload: bytes) -> None:
    for result in admit_results(payload, NOW_MS).results:
        if result.status is not Status.UP or result.round:
            assert_storable(result)


def read_latest(payload: bytes) -> None:
    result = admit_latest(payload)
    if result is not None:
        assert_storable((result.detail, result.facts))
        assert instant(result.at_ms) and instant(result.started_ms)


def read_status(status: RegionStatus) -> None:
    assert status.at_ms <= NOW_MS
    ineligible(PLAN.regions[0], status)
    assert instant(status.at_ms) and isinstance(status.is_adrift, bool)


def read_call(call: Call) -> None:
    if call.region and PLAN.region(call.region) is None:
        # Dispatch passes calls of regions that do not watch the monitor.
        return
    opened = open_round(PLAN, call, {REGIONS[0]: STATUS}, NOW_MS)
    assert NOW_MS - SUSPECTED_MOST_MS <= opened.suspected_ms <= NOW_MS
    admit_round(encode(opened))


def read_round(round: Round) -> None:
    """Consensus decides it, dispatch sends its looks and asks whether it is open."""
    fold, looks = Fold(), OpenLooks()
    fold.open(round, NOW_MS)
    for region in REGIONS:
        fold.result(region, replace(FAIL, round=round.id, look=1, monitor=round.monitor), NOW_MS + 9, NOW_MS + 9)
    for said in fold.rounds.due(LAST_MS):
        admit_verdict(encode(said))
    looks.add(round, NOW_MS)
    assert looks.next_ms() in (None, *round.looks_ms)
    for one, look in looks.take_due(2**62):
        look_orders(replace_plan(one), one, look)
    looks.is_open(round.monitor, round.revision, NOW_MS)


def replace_plan(round: Round) -> Plan:
    return Plan(round.monitor, "http", 60_000, 10_000, b"", PLAN.regions, ROUND.sensitivity, round.revision)


def read_verdict(found: Verdict) -> None:
    """Ingest applies it and stores its evidence."""
    assert_storable(to_evidence(found))
    assert_storable(found.explanation)
    for move in lifecycle.apply(BelievedState(), found, 7).moves:
        assert instant(move.started_ms) <= instant(2**62)


def read_quarantine(payload: bytes) -> None:
    for one in admit_quarantines([payload]):
        assert_storable(one.text)
        assert instant(one.since_ms)


def read_series(series: list[Any]) -> None:
    baselines = Baselines()
    baselines.restore("eu-west", series, NOW_MS // 1000)
    baselines.usual_us("eu-west", FAIL)
    for at in baselines.chunks():
        msgspec.msgpack.encode(baselines.saved(*at))
    baselines.learn("eu-west", "mon_a", 7, 1_000, NOW_MS)


def read_beliefs(beliefs: dict[str, Belief | None]) -> None:
    fold = Fold()
    fold.believe({monitor: one for monitor, one in beliefs.items() if one is not None}, beliefs)
    for region in REGIONS[:2]:
        fold.result(region, replace(FAIL, revision=0), NOW_MS, NOW_MS)
        fold.result(region, replace(FAIL, status=Status.UP, reason=Reason.OK), NOW_MS, NOW_MS)
    fold.rechecks(NOW_MS + 10**7)


def read_batch(batch: Batch) -> None:
    assert all(0 <= check.at_ms <= LAST_MS for check in batch.checks)


def read_letter_of_a_stream(letter: DeadLetterMessage) -> None:
    assert 0 <= letter.size < 2**63
    assert_storable([letter.source, letter.step, letter.origin, letter.error, letter.stream, letter.entry])


def text_by_chance(*samples: bytes) -> Callable[[Random], bytes]:
    words = [word.encode("utf-8", "surrogatepass") for word in ODD_TEXTS]
    return lambda dice: changed_bytes(dice.choice((*samples, *words)), dice)


_MACS = ControlMacs([b"k" * 32])


def read_mark(payload: bytes) -> None:
    assert isinstance(_MACS.body(keys.mark_of("dispatch"), payload, NOW_MS), Refusal)


def read_id(payload: bytes) -> None:
    assert _readable_id(payload) in (payload, None)


def read_share(payload: bytes) -> None:
    assert all(0.0 <= share <= 1.0 for _, share in _readable_shares({payload[:3]: payload, b"eu-west": payload}))


BOUNDARIES = {
    "results": Boundary(entry_by_chance, read_results),
    "latest result": Boundary(packed(FAIL, replace(FAIL, round="rnd_a", look=1)), read_latest),
    "region status": Boundary(packed(STATUS), decoded(lambda payload: admit_status(payload, NOW_MS), read_status)),
    "call": Boundary(packed(CALL), decoded(decode_call, read_call)),
    "round": Boundary(packed(ROUND), decoded(admit_round, read_round), 0.5),
    "verdict": Boundary(packed(verdict()), decoded(admit_verdict, read_verdict), 0.5),
    "quarantine": Boundary(packed(Quarantine(1, "eu-west", NOW_MS, Exclusion.SICK, "sick")), read_quarantine),
    "baselines": Boundary(packed([["mon_a", 7, 9, 1.0, 2.0]]), decoded(_decode_series, read_series)),
    "belief": Boundary(packed(BELIEF), decoded(decode_belief, lambda one: read_beliefs({"mon_a": one}))),
    "belief changes": Boundary(packed({"mon_a": BELIEF, "mon_b": None}), decoded(decode_belief_changes, read_beliefs)),
    "batch of checks": Boundary(packed(Batch(1, "eu-west", Lane.CONFIRM, [CHECK])), decoded(decode_batch, read_batch)),
    "dead letter": Boundary(
        packed(DeadLetterMessage(DEAD_LETTER_VERSION, "consensus", "fold", "eu", "no", "s", "1-0", b"x", 1)),
        decoded(read_letter, read_letter_of_a_stream),
    ),
    "liveness mark": Boundary(text_by_chance(b"1800000000000"), read_mark),
    "stream id": Boundary(text_by_chance(b"1800000000000-0"), read_id),
    "share": Boundary(text_by_chance(b"0.500"), read_share),
}
