"""Import report: what became of every item of the source, and which variables the file refers to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class SourceError(Exception):
    """A source that cannot be imported at all; one line that says why and what to do."""


class ItemOutcome(StrEnum):
    """What became of an item of the source."""

    MAPPED = "mapped"
    APPROXIMATED = "approximated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the source. `key` is its key in the file, "" if refused; `notes` say what differs, or why not."""

    what: str
    name: str
    outcome: ItemOutcome
    key: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable that the file refers to, and what it holds; never its value."""

    name: str
    holds: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Outcome of an import, in the order of the source."""

    source: str
    items: tuple[Item, ...]
    variables: tuple[Variable, ...]
    notes: tuple[str, ...] = ()

    def count(self, outcome: ItemOutcome) -> int:
        return sum(item.outcome is outcome for item in self.items)

    @property
    def summary(self) -> str:
        return ", ".join(f"{self.count(outcome)} {outcome}" for outcome in ItemOutcome)

    def as_json(self) -> dict[str, Any]:
        """The report for scripts."""
        return {
            "source": self.source,
            **{outcome.value: self.count(outcome) for outcome in ItemOutcome},
            "items": [
                {"what": one.what, "name": one.name, "outcome": one.outcome.value, "key": one.key,
                 "notes": list(one.notes)}
                for one in self.items
            ],
            "variables": [{"name": one.name, "holds": one.holds} for one in self.variables],
            "notes": list(self.notes),
        }  # fmt: skip


def render(report: ImportReport) -> str:
    """The report for people: a line for each item, what differs below it, then the variables to set."""
    width = max((len(one.outcome) for one in report.items), default=0)
    lines: list[str] = []
    for one in report.items:
        lines.append(f"{one.outcome:<{width}}  {one.what} {one.name}")
        lines += [f"{'':<{width}}    {note}" for note in one.notes]
    lines += _section("VARIABLES TO SET", [f"{one.name}: {one.holds}" for one in report.variables])
    lines += _section("NOTES", report.notes)
    return "\n".join([*lines, "", report.summary]) + "\n"


def _section(head: str, lines: Sequence[str]) -> list[str]:
    return ["", head, *(f"  {line}" for line in lines)] if lines else []
