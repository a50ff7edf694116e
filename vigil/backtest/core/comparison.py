"""Policy comparison: pages in both, sooner, later, or under one policy only. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from vigil.backtest.core.law import BacktestPage
from vigil.incidents.core.model import IncidentKind

#: Pages this close together count as simultaneous.
SAME_MS = 2_000
#: Matching pages overlap, or are this close.
NEAR_MS = 300_000
SIDE_KINDS = (IncidentKind.REGIONAL, IncidentKind.BLIND)


class ComparisonOutcome(StrEnum):
    """Effect of another policy on a page."""

    SAME = "same"
    SOONER = "sooner"
    LATER = "later"
    NOT_AT_ALL = "not at all"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """A page under the present policy, and under the other; None where missing."""

    outcome: ComparisonOutcome
    now: BacktestPage | None
    then: BacktestPage | None

    @property
    def by_ms(self) -> int:
        """Delay under the other policy; negative for sooner."""
        return self.then.opened_ms - self.now.opened_ms if self.now and self.then else 0

    @property
    def at_ms(self) -> int:
        page = self.now or self.then
        assert page is not None
        return page.opened_ms


def compare(now: Sequence[BacktestPage], then: Sequence[BacktestPage]) -> list[ComparisonRow]:
    """Match pages of one kind that overlap or are close, each once, in order of time."""
    left = list(then)
    rows: list[ComparisonRow] = []
    for page in now:
        match = next((other for other in left if _belong_together(page, other)), None)
        if match is None:
            rows.append(ComparisonRow(ComparisonOutcome.NOT_AT_ALL, page, None))
            continue
        left.remove(match)
        difference = match.opened_ms - page.opened_ms
        outcome = (
            ComparisonOutcome.LATER
            if difference > SAME_MS
            else ComparisonOutcome.SOONER
            if difference < -SAME_MS
            else ComparisonOutcome.SAME
        )
        rows.append(ComparisonRow(outcome, page, match))
    rows += [ComparisonRow(ComparisonOutcome.NEW, None, page) for page in left]
    return sorted(rows, key=lambda row: row.at_ms)


def _belong_together(one: BacktestPage, other: BacktestPage) -> bool:
    if _sort(one) != _sort(other):
        return False
    return one.started_ms <= _end(other) + NEAR_MS and other.started_ms <= _end(one) + NEAR_MS


def _sort(page: BacktestPage) -> IncidentKind | None:
    return page.kind if page.kind in SIDE_KINDS else None


def _end(page: BacktestPage) -> int:
    return page.resolved_ms or 2**62
