"""Changes of a models list: what differs between two lists, and the rows that most lists agree on. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from probes.ai.models.listed import ListedModel

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
        if known is None:
            found.append(ListChange(ListChangeKind.NEW, name, "", name))
        elif known != row:
            found += _row_changes(known, row)
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


#: The fields of a row that each change is about.
_FIELDS = {
    ListChangeKind.REPOINTED: ("target",),
    ListChangeKind.CONTEXT: ("context",),
    ListChangeKind.PRICE: ("price_in", "price_out"),
    ListChangeKind.RETIRES: ("retires", "replacement"),
    ListChangeKind.STAGE: ("stage",),
}
#: Fields whose first value is no change.
_BEGUN = ("target", "context", "price_in", "price_out")


def _price(row: ListedModel) -> str:
    return " / ".join(filter(None, (row.price_in, row.price_out)))


def rows_of_most(seen: Mapping[str, Rows]) -> dict[str, ListedModel]:
    """The rows that more than half of the lists have, each as most of these have it; of two lists those of either."""
    names = Counter(name for rows in seen.values() for name in rows)
    return {name: usual_row(name, seen.values()) for name, count in names.items() if count * 2 >= len(seen)}


def usual_row(name: str, lists: Iterable[Rows]) -> ListedModel:
    """The row as most lists have it, of those that have it."""
    return Counter(rows[name] for rows in lists if name in rows).most_common(1)[0][0]


def completed(rows: Rows, seen: Mapping[str, Rows]) -> Rows:
    """The rows with what lists have begun to tell of them: no change, but the next one is held against it."""
    found = dict(rows)
    for name, row in rows.items():
        lists = [other[name] for other in seen.values() if name in other and other[name] != row]
        if len(lists) * 2 <= len(seen):
            continue
        usual = usual_row(name, seen.values())
        begun = {one: value for one in _BEGUN if not getattr(row, one) and (value := getattr(usual, one))}
        if begun:
            found[name] = msgspec.structs.replace(row, **begun)
    return found


def adopted_rows(rows: Rows, adopted: Iterable[tuple[ListChange, Sequence[Rows]]]) -> Rows:
    """The rows with these changes, each with the lists that have it. What else differs in a row has not settled."""
    found = dict(rows)
    for change, lists in adopted:
        if change.kind is ListChangeKind.HALF_LOST:
            found = {name: row for name, row in found.items() if any(name in each for each in lists)}
        elif change.kind is ListChangeKind.GONE:
            found.pop(change.model, None)
        elif change.kind is ListChangeKind.NEW:
            found[change.model] = usual_row(change.model, lists)
        elif change.model in found:
            own = {name: getattr(lists[0][change.model], name) for name in _FIELDS[change.kind]}
            found[change.model] = msgspec.structs.replace(found[change.model], **own)
    return found
