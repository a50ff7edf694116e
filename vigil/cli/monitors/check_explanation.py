"""Explanation of one look: what the verdict would be if every region of a monitor saw the same, and by which rule."""

from __future__ import annotations

from typing import Any

from consensus.quorum import Decision, decide
from consensus.verdicts import RULE_VERSION, Elector, Round, Vote
from consensus.vocabulary import Cause, Sensitivity, VerdictReason, observed
from probes.prober import Observation

#: The monitor of the explanation: three regions of three domains, and two looks (sensitivity normal).
REGIONS = 3
_LOOKS_MS = [0, 10_000]
_RULES = {
    VerdictReason.QUORUM_PASSED: "a round passes as soon as {k} of the {m} regions that may vote pass one look",
    VerdictReason.QUORUM_FAILED: "an outage needs the same {k} of {m} regions to fail in every look, in {spread}",
    VerdictReason.QUORUM_DEGRADED: "the same {k} of {m} regions are not well in every look, and no {k} of them fail it",
    VerdictReason.ACCOUNT: "the same {k} of {m} regions are not well in every look, and most of them say that the key "
    "or the request is refused: the provider is fine",
    VerdictReason.TOO_FEW_VOTES: "a result that says nothing of the target is no vote, and {m} votes are too few",
}


def explained(seen: Observation) -> dict[str, Any]:
    """The vote that this observation is, the verdict on a round of such votes, and the rule that gave it."""
    vote = observed(seen.status, seen.reason)
    decision = _decided(seen)
    domains = "more than half of their domains, two at least"
    rule = _RULES.get(decision.reason, str(decision.reason))
    return {
        "status": seen.status.value,
        "reason": seen.reason.value,
        "vote": vote.value if vote is not None else "none",
        "verdict": decision.status.value,
        "verdict_reason": decision.reason.value,
        "rule": rule.format(k=decision.k, m=decision.m, spread=domains),
        "rule_version": RULE_VERSION,
        "regions": REGIONS,
        "looks": len(_LOOKS_MS),
        "needed": decision.k,
        "voted": decision.m,
    }


def lines(told: dict[str, Any]) -> list[str]:
    """The same for people."""
    seen = f"{told['status']}, {told['reason']}"
    return [
        f"  vote:     {told['vote']} ({seen})",
        f"  verdict:  {told['verdict']} ({told['verdict_reason']}), if each of {told['regions']} regions sees this in "
        f"{told['looks']} looks",
        f"  rule {told['rule_version']}:   {told['rule']}",
    ]


def _decided(seen: Observation) -> Decision:
    electors = [Elector(f"region-{number}", f"domain-{number}") for number in range(1, REGIONS + 1)]
    round = Round(
        1, "rnd_explained", "mon_explained", Cause.FAILURE, electors[0].region, 0, Sensitivity.NORMAL, REGIONS,
        electors, [], _LOOKS_MS, 10_000,
    )  # fmt: skip
    votes = [
        Vote(each.region, each.domain, look, seen.status, seen.reason, _LOOKS_MS[look - 1], seen.phases)
        for each in electors
        for look in range(1, len(_LOOKS_MS) + 1)
    ]
    decision = decide(round, votes, len(_LOOKS_MS))
    if decision is None:
        raise ValueError("a complete round is always decided")
    return decision
