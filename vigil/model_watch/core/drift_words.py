"""Drift in words: the title, what was before, and what is after. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

from vigil.model_watch.core.drift import SeenChange
from vigil.model_watch.core.list_changes import ListChange, ListChangeKind

_COUNTED = {
    ListChangeKind.NEW: ("new model", "new models"),
    ListChangeKind.GONE: ("model gone", "models gone"),
    ListChangeKind.REPOINTED: ("alias repointed", "aliases repointed"),
    ListChangeKind.CONTEXT: ("context changed", "contexts changed"),
    ListChangeKind.PRICE: ("price changed", "prices changed"),
    ListChangeKind.RETIRES: ("retirement date changed", "retirement dates changed"),
    ListChangeKind.STAGE: ("stage changed", "stages changed"),
}
#: Changes that one notice names; the others are counted.
NAMED_MOST = 12


def title_of(provider: str, changes: Sequence[SeenChange]) -> str:
    """One line, such as `OpenAI lists 2 new models, 1 model gone`."""
    counts = Counter(one.change.kind for one in changes)
    if ListChangeKind.HALF_LOST in counts:
        lost = next(one.change for one in changes if one.change.kind is ListChangeKind.HALF_LOST)
        return f"{provider} lists {lost.after} instead of {lost.before}{_where(changes)}"
    if len(changes) == 1:
        return f"{provider}: {_one(changes[0].change)}{_where(changes)}"
    parts = [f"{count} {_COUNTED[kind][count > 1]}" for kind, count in sorted(counts.items())]
    return f"{provider} changed its models: {', '.join(parts)}{_where(changes)}"


def before_and_after(changes: Sequence[SeenChange]) -> tuple[str, str]:
    """What was, and what is, model by model."""
    found = [one.change for one in changes]
    return _listed(found, before=True), _listed(found, before=False)


def digest_of(changes: Iterable[SeenChange]) -> str:
    """A short name of exactly these changes."""
    text = "\n".join(sorted(one.change.key for one in changes))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _where(changes: Sequence[SeenChange]) -> str:
    """The regions, where only some see it."""
    if all(one.everywhere for one in changes):
        return ""
    regions = sorted({region for one in changes if not one.everywhere for region in one.regions})
    return f" (in {', '.join(regions[:5])} only)"


def _one(change: ListChange) -> str:
    words = {
        ListChangeKind.NEW: f"{change.model} is new",
        ListChangeKind.GONE: f"{change.model} is gone",
        ListChangeKind.REPOINTED: f"{change.model} now means {change.after}",
        ListChangeKind.CONTEXT: f"{change.model} has another context length",
        ListChangeKind.PRICE: f"{change.model} has another price",
        ListChangeKind.STAGE: f"{change.model} is now {change.after}",
    }
    if change.kind is ListChangeKind.RETIRES:
        if not change.after:
            return f"the retirement date of {change.model} is withdrawn"
        return f"{change.model} retires on {change.after}"
    return words[change.kind]


def _listed(changes: Sequence[ListChange], *, before: bool) -> str:
    values = [(one, one.before if before else one.after) for one in changes]
    named = [_value(one, value) for one, value in values if value or one.kind is ListChangeKind.RETIRES]
    more = f"; and {len(named) - NAMED_MOST} more" if len(named) > NAMED_MOST else ""
    return "; ".join(named[:NAMED_MOST]) + more


def _value(change: ListChange, value: str) -> str:
    if change.kind in (ListChangeKind.NEW, ListChangeKind.GONE, ListChangeKind.HALF_LOST):
        return value
    words = {
        ListChangeKind.REPOINTED: f"means {value}",
        ListChangeKind.CONTEXT: f"{value} tokens",
        ListChangeKind.PRICE: f"${value} for a million tokens in / out",
        ListChangeKind.RETIRES: f"retires on {value}" if value else "no retirement date",
        ListChangeKind.STAGE: value,
    }
    return f"{change.model} {words[change.kind]}"
