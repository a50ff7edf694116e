"""Vote table of a verdict: what each region saw, how long ago, and what it counted for, or why not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from consensus.quorum import why_no_vote
from consensus.review.explain import WHY_EXCLUDED
from consensus.verdicts import Verdict, Vote
from consensus.vocabulary import Observed, observed
from probes.wire import Phases

_NO_PHASES = Phases()


@dataclass(frozen=True, slots=True)
class VoteRow:
    """One region in one look. `why_not` is empty where it counted; `age_ms` is its age at the decision."""

    region: str
    domain: str
    look: int
    status: str
    reason: str
    counted_as: Observed | None
    why_not: str
    age_ms: int
    phases: Phases
    usual_us: int
    attempts: int
    code: int
    detail: str
    address: str


def vote_rows(verdict: Verdict) -> list[VoteRow]:
    """Every vote and every region without one, by look and region."""
    at_first = {one.region: one for one in verdict.excluded if one.look == 0}
    in_look = {(one.region, one.look): one for one in verdict.excluded if one.look}
    rows = []
    for vote in verdict.votes:
        lost = at_first.get(vote.region) or in_look.get((vote.region, vote.look))
        counted = None if lost or vote.barred else observed(vote.status, vote.reason)
        why = lost.why if lost else why_no_vote(vote)
        why_not = why.value if counted is None and why else ""
        age_ms = max(0, verdict.decided_ms - vote.at_ms)
        rows.append(_row(vote, why_not, counted, age_ms))
    voted = {(row.region, row.look) for row in rows} | {(row.region, 0) for row in rows}
    for one in verdict.excluded:
        if (one.region, one.look) not in voted:
            rows.append(_without_vote(one.region, one.domain, one.look, one.why.value))
    heard = {row.region for row in rows}
    for elector in verdict.electorate:
        if elector.region not in heard:
            rows.append(_without_vote(elector.region, elector.domain, 0, "not_waited_for"))
    return sorted(rows, key=lambda row: (row.look, row.region))


def _row(vote: Vote, why_not: str, counted: Observed | None, age_ms: int) -> VoteRow:
    return VoteRow(
        vote.region, vote.domain, vote.look, vote.status, vote.reason, counted, why_not, age_ms, vote.phases,
        vote.usual_us, vote.attempts, vote.code, vote.detail, vote.address,
    )  # fmt: skip


def why_in_words(row: VoteRow) -> str:
    """What a vote counted for, or why it did not."""
    if row.why_not:
        return f"not counted: it {WHY_EXCLUDED.get(row.why_not, row.why_not.replace('_', ' '))}"
    return f"counted as {row.counted_as}"


def as_json(row: VoteRow) -> dict[str, Any]:
    """A row for JSON, durations in the units of their names."""
    phases = {name: getattr(row.phases, name) for name in Phases.__struct_fields__}
    named = {name: getattr(row, name) for name in VoteRow.__dataclass_fields__}
    return {**named, "phases": phases, "counted": not row.why_not, "why": why_in_words(row)}


def _without_vote(region: str, domain: str, look: int, why_not: str) -> VoteRow:
    return VoteRow(region, domain, look, "", "", None, why_not, 0, _NO_PHASES, 0, 0, 0, "", "")
