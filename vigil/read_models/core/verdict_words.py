"""Words of a verdict: what its regions saw, in how many looks, and which have no vote. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from consensus.verdicts import Excluded, Verdict, Vote
from consensus.vocabulary import Exclusion, Observed, observed
from probes.reasons import Reason, Status
from vigil.read_models.core.figures import milliseconds
from vigil.read_models.core.sights import sight

#: Exclusions that mean "heard nothing"; the others are "not counted".
_SILENT = frozenset({Exclusion.DARK, Exclusion.NO_ANSWER, Exclusion.MISSED})
_REFUSALS = {
    Reason.AUTH: "The key was refused",
    Reason.QUOTA: "The quota is used up",
    Reason.CONFIG: "The request was refused",
    Reason.BOT_FILTER: "A bot filter turned the checks away",
}


def verdict_sentences(verdict: Verdict) -> list[str]:
    """What the regions saw in the deciding look, in how many looks, and who is left out."""
    votes, n = _failing(verdict), max(verdict.n, verdict.m)
    if not votes and verdict.status is Status.UP:
        who = f"All {n} regions" if verdict.m == n > 1 else of_regions(verdict.m, n)
        return [f"{who[0].upper()}{who[1:]} passed.", *_left_out(verdict.excluded)]
    if not votes:
        return [verdict.explanation.split(". ")[0].removesuffix(".") + "."]
    looks = max(1, len(verdict.looks_ms))
    how_often = "" if looks == 1 else f", in {looks} looks"
    reason, _ = Counter(vote.reason for vote in votes).most_common(1)[0]
    same = [vote for vote in votes if vote.reason == reason]
    if verdict.reason == "account" or reason in _REFUSALS:
        return [_account(reason, votes, n)]
    if reason is Reason.SLOW and len(same) == len(votes):
        return [_slow(votes, n), *_left_out(verdict.excluded)]
    seen = sight(reason, [vote.code for vote in same])
    if len(same) < len(votes):
        seen = f"failures, {len(same)} of them {seen}"
    return [f"{of_regions(len(votes), n)} saw {seen}{how_often}.", *_left_out(verdict.excluded)]


def law_in_words(verdict: Verdict) -> str:
    """`3 failing votes from 2 domains were needed. 4 from 4 domains came.`"""
    domains, passing = verdict.domains // 2 + 1, verdict.status is Status.UP
    word = "passing" if passing else "failing"
    needed = f"{verdict.k} {word} vote{'' if verdict.k == 1 else 's'} from {_domains(domains)}"
    came = {v.region: v.domain for v in verdict.votes if (v.status is Status.UP) is passing and not v.barred}
    came_from = f" from {_domains(len(set(came.values())))}" if came else ""
    return f"{needed} {'was' if verdict.k == 1 else 'were'} needed. {len(came) or 'None'}{came_from} came."


def _domains(number: int) -> str:
    return f"{number} domain{'' if number == 1 else 's'}"


def _failing(verdict: Verdict) -> list[Vote]:
    """The votes of the last look that count and do not pass."""
    out = {one.region for one in verdict.excluded if one.look == 0}
    out |= {f"{one.region}/{one.look}" for one in verdict.excluded if one.look}
    found: dict[str, Vote] = {}
    for vote in sorted(verdict.votes, key=lambda vote: vote.look):
        if not vote.barred and vote.region not in out and f"{vote.region}/{vote.look}" not in out:
            found[vote.region] = vote
    counted = (vote for vote in found.values() if observed(vote.status, vote.reason) not in (None, Observed.PASSING))
    return sorted(counted, key=lambda vote: vote.region)


def _account(reason: Reason, votes: Sequence[Vote], n: int) -> str:
    codes = {vote.code for vote in votes if vote.code}
    code = f" ({codes.pop()})" if len(codes) == 1 else ""
    where = f"in all {n} regions" if len(votes) >= n > 1 else f"in {of_regions(len(votes), n)}"
    return f"{_REFUSALS.get(reason, 'The request was refused')}{code} {where}: not an outage."


def _slow(votes: Sequence[Vote], n: int) -> str:
    took = sorted(vote.phases.total_us for vote in votes)[len(votes) // 2]
    usual = sorted(vote.usual_us for vote in votes)[len(votes) // 2]
    usually = f", usually {milliseconds(usual / 1000)}" if usual else ""
    return f"Slow in {of_regions(len(votes), n)}: {milliseconds(took / 1000)}{usually}."


def of_regions(some: int, all_of_them: int) -> str:
    """`4 of 5 regions`."""
    if all_of_them <= 1:
        return "the one region" if some else "no region"
    return f"{min(some, all_of_them)} of {all_of_them} regions"


def _left_out(excluded: Iterable[Excluded]) -> list[str]:
    whole = {one.region: one.why for one in excluded}
    silent = sorted(region for region, why in whole.items() if why in _SILENT)
    others = sorted(whole.keys() - set(silent))
    said = []
    if silent:
        said.append(f"{name_some(silent)} {'is' if len(silent) == 1 else 'are'} silent.")
    if others:
        said.append(f"{name_some(others)} {'is' if len(others) == 1 else 'are'} not counted.")
    return said


def name_some(regions: Sequence[str], most: int = 2) -> str:
    """The first regions by name, and the number of the others."""
    if len(regions) <= most:
        return " and ".join(regions)
    return f"{', '.join(regions[:most])} and {len(regions) - most} more"
