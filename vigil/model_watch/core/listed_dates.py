"""Days on which models retire by providers' own lists, as most of the lists of a provider name them. Pure.

A region writes its lists itself, one sees a change before another, and resources of one provider may differ. So a day
counts by which more than half of the lists that have a model say that it retires: one list moves it nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from probes.ai.models.listed import ListedModel
from vigil.model_watch.core.table import plain
from vigil.model_watch.core.used_models import NamedModel


@dataclass(frozen=True, slots=True)
class CountedList:
    """One content of lists of a provider: how many have it, and of the newest of these the monitor's name and day."""

    provider: str
    rows: Mapping[str, ListedModel]
    count: int
    monitor: str
    read: date


@dataclass(frozen=True, slots=True)
class ListedDay:
    """The day, and who names it."""

    day: date
    replacement: str
    monitor: str
    read: date


def days_of(lists: Iterable[CountedList]) -> dict[NamedModel, ListedDay]:
    """The day of every model that has one."""
    votes: dict[NamedModel, list[tuple[CountedList, ListedModel]]] = {}
    dated: set[NamedModel] = set()
    for one in lists:
        for row in one.rows.values():
            named = NamedModel(one.provider, plain(row.id))
            votes.setdefault(named, []).append((one, row))
            if row.retires:
                dated.add(named)
    found = ((named, _day_of(votes[named])) for named in dated)
    return {named: day for named, day in found if day is not None}


def _day_of(votes: Iterable[tuple[CountedList, ListedModel]]) -> ListedDay | None:
    # No day is later than any.
    ordered = sorted(votes, key=lambda vote: (vote[1].retires or "9", -vote[0].read.toordinal()))
    left = sum(one.count for one, _ in ordered) // 2
    for one, row in ordered:
        left -= one.count
        if left < 0:
            day = date.fromisoformat(row.retires) if row.retires else None
            return ListedDay(day, row.replacement, one.monitor, one.read) if day else None
    return None
