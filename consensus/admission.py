"""Verdicts and quarantines as ingest and pages take them: their texts come from regions by way of consensus. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import structlog
from msgspec.structs import replace

from consensus.verdicts import Quarantine, Verdict, Vote, decode_quarantine, decode_verdict
from probes.text import storable

log = structlog.get_logger()

EXPLANATION_LIMIT, TEXT_LIMIT = 200_000, 1_000


def admit_verdict(payload: bytes) -> Verdict:
    """Decode a verdict, its texts fit to be stored; raises `msgspec.DecodeError`."""
    verdict = decode_verdict(payload)
    explanation = storable(verdict.explanation, EXPLANATION_LIMIT)
    votes = [_storable_vote(vote) for vote in verdict.votes]
    if explanation == verdict.explanation and votes == verdict.votes:
        return verdict
    return replace(verdict, explanation=explanation, votes=votes)


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


def _storable_vote(vote: Vote) -> Vote:
    detail, address = storable(vote.detail, TEXT_LIMIT), storable(vote.address, TEXT_LIMIT)
    if detail == vote.detail and address == vote.address:
        return vote
    return replace(vote, detail=detail, address=address)
