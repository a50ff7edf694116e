"""Calls, rounds, verdicts and quarantines as their readers take them: texts in them come from regions. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import structlog
from msgspec.structs import replace

from consensus.verdicts import (
    Call,
    Elector,
    Excluded,
    Quarantine,
    Round,
    Verdict,
    Vote,
    decode_call,
    decode_quarantine,
    decode_round,
    decode_verdict,
)
from probes.text import storable

log = structlog.get_logger()

EXPLANATION_LIMIT, TEXT_LIMIT = 200_000, 1_000


def admit_verdict(payload: bytes) -> Verdict:
    """Decode a verdict, its texts fit to be stored; raises `msgspec.DecodeError`."""
    verdict = decode_verdict(payload)
    _check_names(verdict.round, verdict.monitor, verdict.shard, *verdict.dissent, *verdict.assigned)
    _check_names(*_members((verdict.votes, verdict.excluded, verdict.electorate)))
    explanation = storable(verdict.explanation, EXPLANATION_LIMIT)
    votes = [_storable_vote(vote) for vote in verdict.votes]
    if explanation == verdict.explanation and votes == verdict.votes:
        return verdict
    return replace(verdict, explanation=explanation, votes=votes)


def admit_call(payload: bytes) -> Call:
    """Decode a call; raises `msgspec.DecodeError`."""
    call = decode_call(payload)
    _check_names(call.monitor, call.region)
    return call


def admit_round(payload: bytes) -> Round:
    """Decode a round whose verdict can be read again; raises `msgspec.DecodeError`."""
    round = decode_round(payload)
    _check_names(round.id, round.monitor, round.caller, *_members((round.electorate, round.excluded)))
    return round


def admit_quarantines(payloads: Iterable[bytes]) -> list[Quarantine]:
    """The quarantines that can be read, their texts fit to be stored; the others are logged."""
    found = []
    for payload in payloads:
        try:
            one = decode_quarantine(payload)
        except msgspec.DecodeError as error:
            log.warning("quarantine.unreadable", error=str(error))
        else:
            found.append(replace(one, text=storable(one.text, TEXT_LIMIT)))
    return found


def _check_names(*names: str) -> None:
    if not all(name.isprintable() for name in names):
        raise msgspec.DecodeError("a name in it is not printable")


def _members(groups: Iterable[Iterable[Elector | Excluded | Vote]]) -> Iterator[str]:
    for group in groups:
        for one in group:
            yield from (one.region, one.domain)


def _storable_vote(vote: Vote) -> Vote:
    detail, address = storable(vote.detail, TEXT_LIMIT), storable(vote.address, TEXT_LIMIT)
    if detail == vote.detail and address == vote.address:
        return vote
    return replace(vote, detail=detail, address=address)
