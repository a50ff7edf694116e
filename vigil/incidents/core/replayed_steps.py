"""Replayed steps of an incident: each decided again from its stored votes, as it was or as supposed. Pure."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consensus.review.replay import Replayed, is_as_stored, replay_as
from consensus.review.vote_table import as_json, vote_rows
from consensus.verdicts import Verdict
from consensus.vocabulary import Sensitivity


class UnknownRegions(Exception):
    """Regions that were not asked in a round; `asked` were."""

    def __init__(self, unknown: list[str], asked: list[str]) -> None:
        super().__init__(f"no region {', '.join(unknown)} in this round: it asked {', '.join(asked)}")


@dataclass(frozen=True, slots=True)
class ReplayedStep:
    """One step of an incident, and its decision taken again."""

    seq: int
    step: str
    reason: str
    at: datetime
    verdict: Verdict
    replayed: Replayed

    @property
    def same(self) -> bool:
        return is_as_stored(self.verdict, self.replayed)


@dataclass(frozen=True, slots=True)
class Supposition:
    """The settings to decide under instead of the stored ones."""

    sensitivity: Sensitivity | None = None
    only: Set[str] = frozenset()
    without: Set[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.sensitivity or self.only or self.without)

    def judge(self, verdict: Verdict) -> Replayed:
        """The decision under these settings; raises `UnknownRegions`."""
        known = set(verdict.assigned) | {vote.region for vote in verdict.votes}
        unknown = sorted((self.only | self.without) - known)
        if unknown:
            raise UnknownRegions(unknown, sorted(known))
        regions = (self.only or known) - self.without if self.only or self.without else None
        return replay_as(verdict, self.sensitivity, regions)

    def __str__(self) -> str:
        parts = [f"sensitivity {self.sensitivity}"] if self.sensitivity else []
        parts += [f"only {', '.join(sorted(self.only))}"] if self.only else []
        parts += [f"without {', '.join(sorted(self.without))}"] if self.without else []
        return "; ".join(parts)


def step_as_json(taken: ReplayedStep, supposed: Replayed | None) -> dict[str, Any]:
    """A step for JSON: what was decided, what the votes give again, and what they give as supposed."""
    return {
        "seq": taken.seq,
        "step": taken.step,
        "reason": taken.reason,
        "same": taken.same,
        "stored": {"status": taken.verdict.status, "reason": taken.verdict.reason, "text": taken.verdict.explanation},
        "replayed": _decided(taken.replayed),
        "supposed": _decided(supposed) if supposed else None,
        "votes": [as_json(line) for line in vote_rows(taken.verdict)],
    }


def _decided(replayed: Replayed) -> dict[str, Any]:
    decision = replayed.decision
    found: dict[str, Any] = {"decided": decision is not None, "text": replayed.explanation, "note": replayed.note}
    if decision is None:
        return found
    named = ("status", "reason", "failure", "n", "m", "k", "domains")
    return {
        **found,
        **{name: getattr(decision, name) for name in named},
        "dissent": list(decision.dissent),
        "excluded": [{"region": one.region, "why": one.why, "look": one.look} for one in decision.excluded],
    }
