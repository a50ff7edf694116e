"""Drift of a models list: what changed since it was last told, and whether to tell it now. Pure.

A list flickers: a page of results is lost, or regions see old and new in turn while a provider rolls out. So a change
is told when most regions with a fresh list have seen it for `SETTLES`, and what stays in fewer of them after `APART`. A
list that lost more than half of its rows is one change, told after `HALF_LOST`. The same change is told once in
`AGAIN`. Regions tell their first lists one after the other: what differs within `BEGINS` is no change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from vigil.model_watch.core.list_changes import (
    CHANGES_MOST,
    ListChange,
    ListChangeKind,
    Rows,
    adopted_rows,
    changes_between,
    completed,
    rows_of_most,
)

BEGINS = timedelta(minutes=5)
SETTLES = timedelta(minutes=10)
APART = timedelta(hours=6)
HALF_LOST = timedelta(hours=1)
#: Between two notices of one monitor's list, unless a model in use is concerned.
GAP = timedelta(hours=6)
AGAIN = timedelta(days=7)

#: Marks among the clocks: when the first list was seen, and clocks of what most regions see. No change has such a key.
_BEGAN, _MOST = "", "most "


@dataclass(frozen=True, slots=True)
class DriftState:
    """What is remembered of a list: the rows as they were told, and when each change was first seen or told.

    `pending` has two clocks of a change: by its key since any region sees it, and with `_MOST` before it since most do.
    """

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
    """The next state, and what is to be told now. `waits`: time alone may lead to more."""

    state: DriftState
    tell: tuple[SeenChange, ...] = ()
    waits: bool = False


def begin(seen: Mapping[str, Rows], at: datetime, told: Mapping[str, datetime]) -> DriftState:
    """Begin with what most regions see. What the others see differently is no change, and counts as told."""
    rows = rows_of_most(seen)
    return DriftState(rows, {_BEGAN: at}, {**told, **dict.fromkeys(_votes(rows, seen), at)})


def decide(state: DriftState, seen: Mapping[str, Rows], now: datetime, used: Iterable[str] = ()) -> ListDrift:
    """Decide what to tell. `seen` are the fresh lists by region; `used` the models in use."""
    if not seen:
        return ListDrift(state)
    began = state.pending.get(_BEGAN)
    if began is not None and now - began < BEGINS:
        earlier = {key: at for key, at in state.told.items() if at != began}
        return ListDrift(replace(begin(seen, began, earlier), told_at=state.told_at), waits=True)
    rows = completed(state.rows, seen)
    votes = _votes(rows, seen)
    clocks = {clock: state.pending.get(clock, now) for one in votes.values() for clock in _clocks(one)}
    told = _still_told(state.told, clocks, now)
    settled = [one for one in votes.values() if now - clocks[told_key(one)] >= _waits(one)]
    fresh = [one for one in settled if told_key(one) not in told]
    models = set(used)
    is_used = any(one.change.model in models for one in fresh)
    if fresh and state.told_at is not None and now - state.told_at < GAP and not is_used:
        return ListDrift(DriftState(rows, clocks, told, state.told_at), waits=True)
    # What settled and was told before is here again: the list is as it is.
    adopted = [one for one in settled if one.everywhere]
    told |= {key: now for one in fresh for key in (one.change.key, _MOST + one.change.key)}
    over = {clock for one in adopted for clock in _clocks(one)}
    pending = {clock: since for clock, since in clocks.items() if clock not in over}
    waits = any(told_key(one) not in told or (one.everywhere and one not in adopted) for one in votes.values())
    changes = [(one.change, [seen[region] for region in one.regions]) for one in sorted(adopted, key=_order)]
    after = DriftState(adopted_rows(rows, changes), pending, told, now if fresh else state.told_at)
    return ListDrift(after, tuple(sorted(fresh, key=_order)), waits)


def _order(seen: SeenChange) -> ListChange:
    return seen.change


def told_key(seen: SeenChange) -> str:
    """Under which a change is remembered as told: what most regions see is more than what one saw before."""
    return _clocks(seen)[-1]


def _clocks(seen: SeenChange) -> tuple[str, ...]:
    """The clocks of a change, last the one that counts."""
    return (seen.change.key, _MOST + seen.change.key) if seen.everywhere else (seen.change.key,)


def _still_told(told: Mapping[str, datetime], clocks: Collection[str], now: datetime) -> dict[str, datetime]:
    """What is remembered as told. What some regions go on to see differently is told once, however long that lasts."""
    recent = {key: at for key, at in told.items() if now - at < AGAIN and key not in clocks}
    newest = sorted(recent.items(), key=lambda one: one[1])[-CHANGES_MOST:]
    return {key: at for key, at in told.items() if key in clocks} | dict(newest)


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
