"""The overview's query: search, filters, grouping and order from the parameters of its address. Pure.

An unknown parameter is ignored. A bad value is left out, and said in one line of words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

Parameters = Mapping[str, Sequence[str]]
E = TypeVar("E", bound=StrEnum)

WORDS_MOST, WORD_MOST = 8, 60
TEXT_MOST = 200
CHOICES_MOST = 20
#: How far a page may lie behind the first row.
AFTER_MOST = 1_000_000
_SHOWN_MOST = 40
_WORD = re.compile(r"[0-9A-Za-z\u0080-\U0010ffff]+")
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class GroupBy(StrEnum):
    PURPOSE = "purpose"
    TAG = "tag"
    PROVIDER = "provider"
    NONE = "none"


class Sort(StrEnum):
    PROBLEMS = "problems"
    NAME = "name"
    P95 = "p95"
    UPTIME = "uptime"
    CHANGED = "changed"


class StateFilter(StrEnum):
    """States to filter by; `REGIONAL` are monitors that are up and differ in some regions."""

    DOWN = "down"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    PAUSED = "paused"
    UP = "up"
    NEW = "new"
    REGIONAL = "regional"


@dataclass(frozen=True, slots=True)
class OverviewQuery:
    """A validated query. `words` must all begin a word of the name, target, tags or id; states are or-ed, tags and-ed.

    `problems` are lines of words about values that were left out.
    """

    words: tuple[str, ...] = ()
    text: str = ""
    states: tuple[StateFilter, ...] = ()
    kinds: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    region: str = ""
    provider: str = ""
    failed: bool = False
    group: GroupBy = GroupBy.PURPOSE
    sort: Sort = Sort.PROBLEMS
    after: int = 0
    problems: tuple[str, ...] = ()

    @property
    def is_filtered(self) -> bool:
        """Whether fewer than all monitors are asked for."""
        asked = (self.words, self.states, self.kinds, self.tags, self.region, self.provider, self.failed)
        return any(asked)

    def address(self, **changed: object) -> str:
        """The query as `?...`, with some parameters replaced; None or an empty value drops one."""
        pairs: dict[str, object] = {
            "q": self.text,
            "state": [state.value for state in self.states],
            "kind": list(self.kinds),
            "tag": list(self.tags),
            "region": self.region,
            "provider": self.provider,
            "failed": "24h" if self.failed else "",
            "group": "" if self.group is GroupBy.PURPOSE else self.group.value,
            "sort": "" if self.sort is Sort.PROBLEMS else self.sort.value,
        }
        pairs |= changed
        kept = {name: value for name, value in pairs.items() if value not in (None, "", [], (), 0)}
        return "?" + urlencode(kept, doseq=True)


def parse_overview(parameters: Parameters) -> OverviewQuery:
    """The query of an address, from its parameters with all their values."""
    said: list[str] = []
    text = _last(parameters, "q")[:TEXT_MOST].strip()
    group = _one_of(parameters, "group", GroupBy.PURPOSE, "a way to group; showing them by purpose", said)
    sort = _one_of(parameters, "sort", Sort.PROBLEMS, "an order; showing problems first", said)
    return OverviewQuery(
        words=tuple(split_words(text)[:WORDS_MOST]),
        text=text,
        states=_states(parameters, said),
        kinds=tuple(_slugs(parameters, "kind", "a kind", said)),
        tags=tuple(dict.fromkeys(_texts(parameters, "tag"))),
        region=next(iter(_slugs(parameters, "region", "a region", said)), ""),
        provider=next(iter(_slugs(parameters, "provider", "a provider", said)), ""),
        failed=_failed(parameters, said),
        group=group,
        sort=sort,
        after=_after(parameters, said),
        problems=tuple(said),
    )


def split_words(text: str) -> list[str]:
    """Words of a search, as the index splits them (`vigil_monitor_words`): at all ASCII but letters and digits."""
    return list(dict.fromkeys(word[:WORD_MOST] for word in _WORD.findall(text)))


def _states(parameters: Parameters, said: list[str]) -> tuple[StateFilter, ...]:
    found: list[StateFilter] = []
    for value in _texts(parameters, "state"):
        if value in set(StateFilter):
            found.append(StateFilter(value))
        else:
            said.append(_bad("state", value, "a state; it is left out"))
    return tuple(dict.fromkeys(found))


def _slugs(parameters: Parameters, name: str, what: str, said: list[str]) -> list[str]:
    found = []
    for value in _texts(parameters, name):
        if _SLUG.fullmatch(value):
            found.append(value)
        else:
            said.append(_bad(name, value, f"{what}; it is left out"))
    return list(dict.fromkeys(found))


def _failed(parameters: Parameters, said: list[str]) -> bool:
    value = _last(parameters, "failed")
    if value not in ("", "24h"):
        said.append(_bad("failed", value, "a time; only 24h is"))
    return value == "24h"


def _after(parameters: Parameters, said: list[str]) -> int:
    value = _last(parameters, "after")
    if not value:
        return 0
    if not (value.isascii() and value.isdigit()) or int(value[:9]) > AFTER_MOST:
        said.append(_bad("after", value, "a place in the list; showing its beginning"))
        return 0
    return int(value)


def _one_of(parameters: Parameters, name: str, default: E, what: str, said: list[str]) -> E:
    value, kind = _last(parameters, name), type(default)
    if value in set(kind):
        return kind(value)
    if value:
        said.append(_bad(name, value, what))
    return default


def _bad(name: str, value: str, what: str) -> str:
    """`sort=foo` is not an order; showing problems first."""
    shown = value if len(value) <= _SHOWN_MOST else f"{value[: _SHOWN_MOST - 1]}…"
    return f"`{name}={shown}` is not {what}."


def _texts(parameters: Parameters, name: str) -> list[str]:
    values = (str(value).strip() for value in list(parameters.get(name, ()))[:CHOICES_MOST])
    return [value for value in values if value and len(value) <= TEXT_MOST]


def _last(parameters: Parameters, name: str) -> str:
    return next(iter(_texts(parameters, name)[::-1]), "")
