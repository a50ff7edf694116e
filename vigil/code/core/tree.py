"""Document tree: values of a file with the line of each, and the problems found in it. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

#: Bounds of one document, all files together.
BYTES_MOST = 16 * 1_048_576
DEPTH_MOST = 32
NODES_MOST = 500_000
KEY_MOST = 200
TEXT_MOST = 131_072
NUMBERS = -(2**63), 2**63 - 1
PROBLEMS_MOST = 50


@dataclass(frozen=True, slots=True)
class TextPlace:
    """Where something is written: a file ("" for a request) and a line from 1 (0 where there is none)."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


NOWHERE = TextPlace()


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """One thing that is wrong: its place, the path of keys to it, and words that say what to do."""

    place: TextPlace
    path: str
    words: str

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place), self.path, self.words) if part)


class DocumentError(Exception):
    """A document that cannot be used, with every problem found (at most `PROBLEMS_MOST`)."""

    def __init__(self, problems: Iterable[DocumentProblem]) -> None:
        self.problems = tuple(problems)[:PROBLEMS_MOST]
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(slots=True)
class Node:
    """A value and its place. A mapping holds nodes by key, a list holds nodes, anything else is text, number or flag.

    `plain` marks text without quotes, where people may have meant something else by it. `written` is the plain value
    with its references, where those have been replaced in `value`; else None.
    """

    value: Any
    place: TextPlace
    plain: bool = False
    written: Any = None

    @property
    def members(self) -> dict[str, Node]:
        """Nodes of a mapping; empty for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    def bare(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {name: node.bare() for name, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.bare() for node in self.value]
        return self.value


def tree_of(value: Any, place: TextPlace = NOWHERE) -> Node:
    """The tree of a plain value, such as a JSON request that was admitted."""
    if isinstance(value, Mapping):
        return Node({str(name): tree_of(part, place) for name, part in value.items()}, place)
    if isinstance(value, list):
        return Node([tree_of(part, place) for part in value], place)
    return Node(value, place)


def refuse(place: TextPlace, words: str, path: str = "") -> DocumentError:
    """The error of one problem."""
    return DocumentError([DocumentProblem(place, path, words)])


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a name that is not known: the nearest one, else all of them."""
    there = sorted(known)
    if not there:
        return "there are none"
    near = nearest_word(name, there)
    if near:
        return f"did you mean {near}?"
    return f"there are {', '.join(there)}" if len(there) <= 30 else ""


def nearest_word(name: str, known: Iterable[str]) -> str:
    """The known word that is most like a name; empty where none is."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)), "")


def shown(text: object) -> str:
    """What someone wrote, short enough and safe for one line."""
    word = repr(str(text)[:60])
    return word if len(str(text)) <= 60 else word[:-1] + "…'"
