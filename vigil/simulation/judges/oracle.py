"""Independent oracle of the law, from the streams; shares no code with `consensus/quorum.py`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from consensus.verdicts import Round
from probes.reasons import ACCOUNT_REASONS, Status
from vigil.simulation.worlds.history import Ballot

#: Largest clock difference of a counted vote.
SKEW_MS = 5_000


class Says(StrEnum):
    """A region's vote in a look; `NOTHING` leaves the denominator."""

    PASS = "pass"
    FAIL = "fail"
    UNWELL = "unwell"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Count:
    """A look at an instant: votes, and regions that may still vote."""

    said: dict[str, Says]
    silent: frozenset[str]
    domains: dict[str, str]
    #: How many regions were barred because they had lost their own way, and the domains of all.
    lost: int = 0
    everywhere: frozenset[str] = frozenset()

    @property
    def m(self) -> int:
        return len(self.voters)

    @property
    def voters(self) -> frozenset[str]:
        return frozenset(region for region, says in self.said.items() if says is not Says.NOTHING) | self.silent

    def regions(self, *what: Says) -> frozenset[str]:
        return frozenset(region for region, says in self.said.items() if says in what)

    def is_enough(self, n: int) -> bool:
        """Half of the regions, and two; or two where as many have lost their own way."""
        return self.m >= (n if n <= 2 else max(2, -(-n // 2))) or self.lost >= self.m >= 2

    def carries(self, regions: frozenset[str], n: int) -> bool:
        """Whether these are more than half of all who may vote, in more than half of their domains, and enough; of
        three domains or more, never one alone."""
        here = {self.domains[region] for region in self.voters}
        spanned = {self.domains[region] for region in regions}
        alone = len(spanned) < 2 and len(self.everywhere or set(self.domains.values())) >= 3
        return self.is_enough(n) and 2 * len(regions) > self.m and 2 * len(spanned) > len(here) and not alone


def counts(round: Round, ballots: Iterable[Ballot], at_ms: int, barred: frozenset[str]) -> list[Count]:
    """Looks of a round at an instant, without `barred` regions, late votes and votes of non-electors."""
    domains = {elector.region: elector.domain for elector in round.electorate if elector.region not in barred}
    lost = len(round.electorate) - len(domains)
    everywhere = frozenset(one.domain for one in round.electorate) | {one.domain for one in round.excluded}
    looks = []
    for look, start_ms in enumerate(round.looks_ms, start=1):
        deadline_ms = start_ms + round.look_length_ms
        said: dict[str, Says] = {}
        for ballot in ballots:
            if ballot.region not in domains or ballot.result.look != look or ballot.result.monitor != round.monitor:
                continue
            if ballot.arrived_ms > min(deadline_ms, at_ms):
                continue
            said[ballot.region] = _better(said.get(ballot.region), _says(ballot, round))
        may_come = deadline_ms > at_ms
        silent = frozenset(domains.keys() - said.keys()) if may_come else frozenset()
        looks.append(Count(said, silent, domains, lost, everywhere))
    return looks


def proves_failure(looks: list[Count], n: int, *what: Says) -> bool:
    """Whether the same quorum saw this in every look."""
    same = frozenset.intersection(*(look.regions(*what) for look in looks))
    return all(look.carries(same, n) for look in looks)


def proves_passing(looks: list[Count], n: int) -> bool:
    """Whether a quorum passed in any look."""
    return any(look.carries(look.regions(Says.PASS), n) for look in looks)


def _says(ballot: Ballot, round: Round) -> Says:
    result = ballot.result
    if not round.opened_ms - SKEW_MS <= result.started_ms <= ballot.arrived_ms + SKEW_MS:
        return Says.NOTHING
    if result.status is Status.UP:
        return Says.PASS
    if result.status is Status.UNKNOWN:
        return Says.NOTHING
    unwell = result.status is Status.DEGRADED or result.reason in ACCOUNT_REASONS
    return Says.UNWELL if unwell else Says.FAIL


def _better(one: Says | None, other: Says) -> Says:
    """The better of two results of a region in a look: either pass counts."""
    order = [Says.PASS, Says.UNWELL, Says.FAIL, Says.NOTHING]
    return other if one is None else min(one, other, key=order.index)
