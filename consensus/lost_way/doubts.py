"""Doubts about a decision: whether the regions that fail a target may have lost their own way. Pure.

A failure that a quorum proves is doubted only where other regions see the target well and could prove it. It then waits
until the regions that fail have passed other targets, or have failed as many; those targets are asked for at once. What
fails everywhere is never doubted, and no doubt lasts longer than `HOLD_MS`, or `HANG_MS` while nothing is answered.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from itertools import islice
from typing import Protocol

from consensus.lost_way.law import SEEING, SITES, count_sites, decide, may_judge, reaches
from consensus.proof import ComparedRow, LostWay
from consensus.quorum import Decision
from consensus.verdicts import VERDICT_VERSION, Call, Round, Vote
from consensus.vocabulary import Cause, Observed, VerdictReason, observed

#: A decision waits this long for a comparison, and this long while the regions that fail answer nothing at all.
HOLD_MS = 4_000
HANG_MS = 15_000
#: A region that has published since, and not this look after so long, fails it.
SILENT_MS = 2_000
#: Looks that began longer ago are compared with nothing.
WINDOW_MS = 25_000
#: Other targets are asked for so often at most, and the table is judged so often.
ASK_MS, JUDGE_MS, SECOND_MS = 5_000, 100, 1_000
#: Views of the table that are kept for that moment.
VIEWS = 100
#: A region that has passed so many other sites sees.
SEEN_SITES = 3
#: Rows looked at: of rounds that are open, of those that are decided, and of those that were asked for.
ROWS = 100
#: Decisions that are remembered as doubted.
HELD = 10_000

_DOUBTED = frozenset({VerdictReason.QUORUM_FAILED, VerdictReason.SPLIT, VerdictReason.DOMAINS})


class VotedRound(Protocol):
    """A round and its votes so far, by look and region."""

    round: Round
    votes: dict[tuple[int, str], Vote]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the table, and the regions that have not answered it yet."""

    row: ComparedRow
    unanswered: frozenset[str]


@dataclass(frozen=True, slots=True)
class _View:
    """What the table said at a time: whether regions have lost their way, which of them see, and how many sites they
    did not answer or failed."""

    at_ms: int
    lost: bool
    see: frozenset[str]
    silent_sites: int


class Doubts:
    """Ask `doubts` about each decision; `found` is called with regions that have lost their way.

    `calls` are to be written: they ask for looks at other targets.
    """

    def __init__(self, found: Callable[[LostWay, int], None] = lambda lost, now_ms: None) -> None:
        self.calls: list[Call] = []
        self._found = found
        self._heard_ms: dict[str, int] = {}
        self._decided: deque[VotedRound] = deque(maxlen=ROWS)
        self._compared: deque[VotedRound] = deque(maxlen=ROWS)
        self._held: OrderedDict[str, int] = OrderedDict()
        self._asked_ms = -ASK_MS
        self._views: dict[tuple[frozenset[str], int], _View] = {}

    def heard(self, region: str, at_ms: int) -> None:
        """A vote of a region has arrived."""
        self._heard_ms[region] = at_ms

    def decided(self, asked: VotedRound) -> None:
        """Keep what a round showed that is now decided."""
        if asked.round.site:
            (self._compared if asked.round.cause is Cause.COMPARISON else self._decided).append(asked)

    def doubts(
        self,
        asked: VotedRound,
        decision: Decision | None,
        rounds: Iterable[VotedRound],
        quarantined: Set[str],
        now_ms: int,
    ) -> bool:
        """Whether a decision is to wait. `rounds` are all that are open, the newest first."""
        round = asked.round
        if round.other_sites < SITES - 1 or (decision is not None and decision.reason not in _DOUBTED):
            return False
        own = self._row(asked)
        if own is None:
            return False
        domains = _domains(round)
        failing, seeing = frozenset(own.row.failing), frozenset(own.row.passing) - quarantined
        failed = decision is not None and decision.reason is VerdictReason.QUORUM_FAILED
        reduced = failed and _is_reduced(failing, seeing, quarantined)
        if failing <= quarantined or not (reduced or may_judge(seeing, failing, domains)):
            return False
        if decision is None:
            if 2 * len(failing) >= len(round.electorate):
                # More looks are to come: what they need to be judged is asked for now, and nothing is delayed.
                self._ask(round, now_ms)
            return False
        return self._waits(round, (failing, seeing, failing - quarantined), rounds, now_ms)

    def _waits(
        self, round: Round, sides: tuple[frozenset[str], ...], rounds: Iterable[VotedRound], now_ms: int
    ) -> bool:
        failing, seeing, suspects = sides
        first_ms = self._held.setdefault(round.id, now_ms)
        if len(self._held) > HELD:
            self._held.popitem(last=False)
        view = self._view_of(failing, round, rounds, now_ms)
        if view.lost or suspects <= view.see:
            return False
        if len(seeing) >= SEEING and not may_judge(seeing | view.see, failing - view.see, _domains(round)):
            return False
        if now_ms - first_ms >= (HANG_MS if view.silent_sites >= SITES else HOLD_MS):
            return False
        if view.silent_sites < SITES:
            self._ask(round, now_ms)
        return True

    def _view_of(self, failing: frozenset[str], round: Round, rounds: Iterable[VotedRound], now_ms: int) -> _View:
        """What the table says of regions that fail together. It is the same for rounds that began together, for a
        moment: many fail at once, and each asks whenever a vote arrives."""
        since_ms = max(round.looks_ms[0], now_ms - WINDOW_MS)
        view = self._views.get((failing, since_ms // SECOND_MS))
        if view is not None and now_ms - view.at_ms < JUDGE_MS:
            return view
        table = self._table(rounds, since_ms)
        rows = [each.row for each in table]
        lost = decide(rows, _domains(round))
        if lost is not None and not failing.isdisjoint(lost.lost):
            self._found(lost, now_ms)
        else:
            lost = None
        see = frozenset(region for region in failing if _sees(region, rows))
        silent = count_sites(each.row for each in table if _all_silent(failing, each))
        if len(self._views) >= VIEWS:
            self._views.clear()
        view = self._views[failing, since_ms // SECOND_MS] = _View(now_ms, lost is not None, see, silent)
        return view

    def _ask(self, round: Round, now_ms: int) -> None:
        if now_ms - self._asked_ms >= ASK_MS:
            self._asked_ms = now_ms
            self.calls.append(Call(VERDICT_VERSION, round.monitor, "", Cause.COMPARISON, now_ms))

    def _table(self, rounds: Iterable[VotedRound], since_ms: int) -> list[_Row]:
        """The newest row of every monitor since then."""
        newest: dict[str, _Row] = {}
        for asked in (*self._decided, *self._compared, *islice(rounds, ROWS)):
            row = self._row(asked, since_ms) if asked.round.site else None
            if row is not None:
                newest[row.row.monitor] = row
        return list(newest.values())

    def _row(self, asked: VotedRound, since_ms: int = 0) -> _Row | None:
        """What each region saw last in the looks that began since then."""
        round = asked.round
        last: dict[str, Vote] = {}
        for (look, region), vote in sorted(asked.votes.items()):
            if round.looks_ms[look - 1] >= since_ms and not vote.barred:
                last[region] = vote
        if not last:
            return None
        saw = {region: observed(vote.status, vote.reason) for region, vote in last.items()}
        failing = {region for region, what in saw.items() if what is Observed.FAILING}
        passing = {region for region, what in saw.items() if what is Observed.PASSING}
        unanswered = frozenset(elector.region for elector in round.electorate) - last.keys()
        long_ago_ms = max(since_ms, round.looks_ms[0]) + SILENT_MS
        failing |= {region for region in unanswered if self._heard_ms.get(region, 0) >= long_ago_ms}
        networks = {network_of(last[region].address) for region in passing}
        sites = sorted({round.site, *networks} - {""})
        return _Row(ComparedRow(round.monitor, sites, sorted(failing), sorted(passing)), unanswered)


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """The network that an address may share with other targets; "" for one that is not public, or none.

    Half of an IPv4 address, or the first two groups of an IPv6 one: about what is given to one operator.
    """
    group = ":" if ":" in address else "."
    first = address.split(group)[:2]
    return f"net:{group.join(first)}" if len(first) == 2 and _is_public(address) else ""


def _is_public(address: str) -> bool:
    try:
        return ip_address(address).is_global
    except ValueError:
        return False


def _is_reduced(failing: Set[str], seeing: Set[str], quarantined: Set[str]) -> bool:
    """Whether a majority fails only because others are lost already: the next may be lost just now."""
    return bool(seeing) and not failing.isdisjoint(quarantined) and len(failing) > len(seeing)


def _sees(region: str, rows: Sequence[ComparedRow]) -> bool:
    passed = count_sites(row for row in rows if region in row.passing)
    failed = count_sites(row for row in rows if region in row.failing and row.passing)
    return passed >= SEEN_SITES and reaches(region, rows, failed)


def _all_silent(suspects: Set[str], each: _Row) -> bool:
    """Whether others passed a target, and each of these failed it or has not answered yet."""
    return len(each.row.passing) >= 2 and suspects <= each.unanswered | set(each.row.failing)


def _domains(round: Round) -> dict[str, str]:
    voting = {one.region: one.domain for one in round.electorate}
    return voting | {one.region: one.domain for one in round.excluded}
