"""Explanation of a verdict in plain words, for the person on call. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from consensus.quorum import Decision, fewest_votes
from consensus.verdicts import Excluded, Round, Vote
from consensus.vocabulary import OWN_WAY, Observed, VerdictReason, observed

#: Why a region has no vote: the words that follow "it".
WHY_EXCLUDED = {
    "dark": "sent no status",
    "sick": "is quarantined: it failed targets that other regions pass",
    "clock_skew": "has a clock that is off by more than 5 s",
    "config_stale": "checked an older configuration",
    "no_answer": "did not answer in time",
    "missed": "was too busy to look in time",
    "blocked": "may not connect to the target's address",
    "probe_error": "could not carry out the check",
    "anchors": "is quarantined: it cannot reach the anchors that its operator set",
    "geo_blocked": "is in a country that the target does not serve",
    "interfered": "has a network in between that keeps it from the target",
    "lost_way": "has lost its way, with others: it fails many unrelated targets that the rest see well",
    "shadow": "is new: it votes once a few of its checks have agreed with the others",
    "not_waited_for": "had not voted yet, and could change nothing",
}


def explain(round: Round, decision: Decision, votes: Sequence[Vote]) -> str:
    """One paragraph: how many regions saw what, which saw something else, and which were left out and why."""
    electors = {elector.region for elector in round.electorate}
    counted = [vote for vote in votes if vote.region in electors and not vote.barred]
    last = {vote.region: vote for vote in sorted(counted, key=lambda vote: vote.look)}
    ailing = [vote for vote in last.values() if observed(vote.status, vote.reason) not in (None, Observed.PASSING)]
    passing = [vote for vote in last.values() if observed(vote.status, vote.reason) is Observed.PASSING]
    left_out = {one.region for one in decision.excluded}
    unheard = sorted(electors - last.keys() - left_out)
    looks = len(round.looks_ms)
    parts = [_headline(decision, len(ailing), len(passing), looks)]
    if ailing:
        parts.append("Saw a problem: " + "; ".join(_seen(vote) for vote in sorted(ailing, key=_by_region)) + ".")
    if passing and ailing:
        parts.append("Saw no problem: " + ", ".join(sorted(vote.region for vote in passing)) + ".")
    if unheard:
        parts.append("Not waited for, as it could change nothing: " + ", ".join(unheard) + ".")
    if decision.excluded:
        parts.append("Not counted: " + "; ".join(_left_out(one) for one in decision.excluded) + ".")
    if decision.reason is not VerdictReason.TOO_FEW_VOTES and decision.m < fewest_votes(decision.n):
        lost = sum(one.why in OWN_WAY for one in decision.excluded)
        parts.append(f"{decision.m} votes are enough, because {lost} regions have lost their own way.")
    if decision.n == 1:
        parts.append("One region: nothing confirms this.")
    elif decision.domains == 1 and decision.m > 1:
        parts.append("All regions share one failure domain, which could be at fault itself.")
    return " ".join(parts)


def _headline(decision: Decision, ailing: int, passing: int, looks: int) -> str:
    rule = f"{decision.k} are a quorum, in more than half of {decision.domains} failure domain(s)"
    many = "in one look" if looks == 1 else f"in each of {looks} looks"
    match decision.reason:
        case VerdictReason.QUORUM_FAILED:
            return f"Down: {ailing} of {decision.m} regions that could see failed {many} ({rule})."
        case VerdictReason.QUORUM_DEGRADED:
            return f"Degraded: {ailing} of {decision.m} regions that could see were not well served {many} ({rule})."
        case VerdictReason.ACCOUNT:
            return (
                f"Account problem, not an outage: {ailing} of {decision.m} regions were answered and turned away {many}"
                f" ({rule})."
            )
        case VerdictReason.QUORUM_PASSED:
            return f"Up: {passing} of {decision.m} regions that could see passed ({rule})."
        case VerdictReason.TOO_FEW_VOTES:
            return (
                f"Unknown: only {decision.m} of {decision.n} regions can vote and "
                f"{fewest_votes(decision.n)} are needed."
            )
        case VerdictReason.NOT_LASTING:
            return "Unknown: different regions failed in different looks, so no quorum failed in all of them."
        case VerdictReason.DOMAINS:
            return (
                "Unknown: a majority agrees, but in too few failure domains, which could be at fault themselves"
                f" ({rule}; two at least where the monitor has three)."
            )
        case VerdictReason.SPLIT:
            return f"Unknown: {ailing} regions failed and {passing} passed, and neither is a quorum ({rule})."


def _seen(vote: Vote) -> str:
    tries = "tried twice" if vote.attempts > 1 else "tried once"
    detail = f", {vote.detail}" if vote.detail else ""
    return f"{vote.region} ({vote.domain}): {vote.reason.replace('_', ' ')}{detail}, {tries}"


def _left_out(one: Excluded) -> str:
    return f"{one.region} {WHY_EXCLUDED.get(one.why.value) or one.why.value.replace('_', ' ')}"


def _by_region(vote: Vote) -> str:
    return vote.region
