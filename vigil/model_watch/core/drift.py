"""Drift of a models list: what changed since it was last told, and whether to tell it now. Pure.

A list flickers: a page of results is lost, or regions see old and new in turn while a provider rolls out. So a change
is told when most regions with a fresh list have seen it for `SETTLES`, and what stays in fewer of them after `APART`. A
list that lost more than half of its rows is one change, told after `HALF_LOST`. The same change is told once in
`AGAIN`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from probes.ai.models.listed import ListedModel

SETTLES = timedelta(minutes=10)
APART = timedelta(hours=6)
HALF_LOST = timedelta(hours=1)
#: Between two notices of one monitor's list, unless a model in use is concerned.
GAP = timedelta(hours=6)
AGAIN = timedelta(days=7)
#: Below so many rows a list has no half to lose.
HALF_OF_LEAST = 4
#: Changes that are remembered of one list at once; a list that changes more is told as far.
CHANGES_MOST = 2_000

Rows = Mapping[str, ListedModel]


class ListChangeKind(StrEnum):
    """What changed in a row."""

    NEW = "new"
    GONE = "gone"
    REPOINTED = "repointed"
    CONTEXT = "context"
    PRICE = "price"
    RETIRES = "retires"
    STAGE = "stage"
    #: More than half of the list is gone; the model is empty.
    HALF_LOST = "half_lost"


@dataclass(frozen=True, slots=True, order=True)
class ListChange:
    """One change of one row: what it was, and what it is."""

    kind: ListChangeKind
    model: str
    before: str = ""
    after: str = ""

    @property
    def key(self) -> str:
        """What makes it the same change as another. How much of a list is lost may differ by region."""
        if self.kind is ListChangeKind.HALF_LOST:
            return self.kind.value
        return "|".join((self.kind.value, self.model, self.before, self.after))


@dataclass(frozen=True, slots=True)
class DriftState:
    """What is remembered of a list: the rows as they were told, and when each change was first seen or told."""

    rows: Rows
    pending: Mapping[str, datetime] = field(default_factory=dict)
    told: Mapping[str, datetime] = field(default_factory=dict)
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SeenChange:
    """A change that is told, and the regions that see it; `everywhere`: most of them do."""

    change: ListChange
    regions: tuple[str, ...]
    everywhere: bool


@dataclass(frozen=True, slots=True)
class ListDrift:
    """The next state, and what is to be told now."""

    state: DriftState
    tell: tuple[SeenChange, ...] = ()


def changes_between(before: Rows, after: Rows) -> list[ListChange]:
    """Every change from one list to another; that more than half is lost stands for all that is gone."""
    found: list[ListChange] = []
    gone = before.keys() - after.keys()
    if len(before) >= HALF_OF_LEAST and len(gone) * 2 > len(before):
        found.append(ListChange(ListChangeKind.HALF_LOST, "", f"{len(before)} models", f"{len(after)} models"))
        gone = set()
    found += [ListChange(ListChangeKind.GONE, name, name) for name in gone]
    for name, row in after.items():
        known = before.get(name)
        found += _row_changes(known, row) if known else [ListChange(ListChangeKind.NEW, name, "", name)]
    return sorted(found)[:CHANGES_MOST]


def _row_changes(before: ListedModel, after: ListedModel) -> list[ListChange]:
    values: tuple[tuple[ListChangeKind, str, str], ...] = (
        (ListChangeKind.REPOINTED, before.target, after.target),
        (ListChangeKind.CONTEXT, str(before.context or ""), str(after.context or "")),
        (ListChangeKind.PRICE, _price(before), _price(after)),
        (ListChangeKind.RETIRES, before.retires, after.retires),
        (ListChangeKind.STAGE, before.stage, after.stage),
    )
    # What a list no longer tells at all is no change, but for a date that is withdrawn.
    return [
        ListChange(kind, after.id, was, now)
        for kind, was, now in values
        if was != now
        and (now or kind is ListChangeKind.RETIRES)
        and (was or kind in (ListChangeKind.RETIRES, ListChangeKind.STAGE))
    ]


def _price(row: ListedModel) -> str:
    return " / ".join(filter(None, (row.price_in, row.price_out)))


def decide(state: DriftState, seen: Mapping[str, Rows], now: datetime, used: Iterable[str] = ()) -> ListDrift:
    """Decide what to tell. `seen` are the fresh lists by region; `used` the models in use."""
    if not seen:
        return ListDrift(state)
    votes = _votes(state.rows, seen)
    pending = {key: state.pending.get(key, now) for key in votes}
    # What some regions go on to see differently is told once, however long that lasts.
    told = {key: at for key, at in state.told.items() if now - at < AGAIN or key in votes}
    settled = [one for key, one in votes.items() if now - pending[key] >= _waits(one)]
    adopted = DriftState(_adopted(state.rows, settled, seen), pending, told, state.told_at)
    fresh = [one for one in settled if one.change.key not in told]
    if not fresh:
        # What settled was told before, and is here again: the list is as it is.
        return ListDrift(adopted)
    models = set(used)
    is_used = any(one.change.model in models for one in fresh)
    if state.told_at is not None and now - state.told_at < GAP and not is_used:
        return ListDrift(DriftState(state.rows, pending, told, state.told_at))
    told |= {one.change.key: now for one in fresh}
    return ListDrift(DriftState(adopted.rows, pending, told, now), tuple(sorted(fresh, key=lambda one: one.change)))


def _votes(rows: Rows, seen: Mapping[str, Rows]) -> dict[str, SeenChange]:
    """Every change that a region sees, by its key, with the regions that see it."""
    changes: dict[str, ListChange] = {}
    regions: dict[str, list[str]] = {}
    for region in sorted(seen):
        for change in changes_between(rows, seen[region]):
            changes.setdefault(change.key, change)
            regions.setdefault(change.key, []).append(region)
    return {
        key: SeenChange(change, tuple(regions[key]), len(regions[key]) * 2 > len(seen))
        for key, change in changes.items()
    }


def _waits(seen: SeenChange) -> timedelta:
    if not seen.everywhere:
        return APART
    return HALF_LOST if seen.change.kind is ListChangeKind.HALF_LOST else SETTLES


def _adopted(rows: Rows, settled: Iterable[SeenChange], seen: Mapping[str, Rows]) -> Rows:
    """The rows with the changes that most regions see, each as one of these has it."""
    found = dict(rows)
    for one in sorted(settled, key=lambda each: each.change):
        source, change = seen[one.regions[0]], one.change
        if not one.everywhere:
            continue
        if change.kind is ListChangeKind.HALF_LOST:
            found = {name: row for name, row in found.items() if name in source}
        elif change.kind is ListChangeKind.GONE:
            found.pop(change.model, None)
        elif change.model in source:
            found[change.model] = source[change.model]
    return found
