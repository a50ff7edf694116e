"""Alert grouping: the first page of a group is sent at once, later messages together. Pure.

Nothing is dropped: a held message is due again when its group may send next. A message belongs to a group by its keys:
a strong key (parent, host, provider) groups after one page, a weak one (a tag) after several within a minute. After
many messages within a minute a channel is one group (flood), whatever the keys. group_interval: the second message
comes soon, the third after 10 s, then one a minute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

#: group_interval before the 2nd, 3rd and every later message of a group, in seconds.
HOLDS_S = (0.5, 10.0, 60.0)
#: A group that sent its last message longer ago than this starts anew.
QUIET_S = 300.0
#: Messages within a minute that turn a weak key (a tag, or the whole channel) into a group.
TAG_AFTER = 5
FLOOD_AFTER = 6
WINDOW_S = 60.0
FLOOD = "*"
#: How long resolves of grouped incidents are collected before the first is sent.
ENDS_HOLD_S = 5.0


@dataclass(frozen=True, slots=True)
class GroupState:
    """State of a group: first and last message, how many, and when the next is allowed."""

    since_s: float
    last_s: float
    told: int
    next_s: float


@dataclass(frozen=True, slots=True)
class Due:
    """A due message. `strong` and `weak` are its group keys, best first.

    `ends`: it resolves an incident that was sent in a digest, so it is grouped from the first one on. `fixed`: a retry,
    which is sent again unchanged.
    """

    id: int
    strong: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    ends: str = ""
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Messages to send as one, and the key that they share."""

    key: str
    ids: tuple[int, ...]


@dataclass(slots=True)
class GroupingPlan:
    """The plan for the due messages. `states` holds changed groups only."""

    alone: list[int] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    held: dict[int, float] = field(default_factory=dict)
    states: dict[str, GroupState] = field(default_factory=dict)


def keys_of(due: Iterable[Due]) -> set[str]:
    """All keys whose state the plan needs."""
    return {key for one in due for key in (*one.strong, *one.weak, *((one.ends,) if one.ends else ()))}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a channel: messages in flight, incidents per message, and messages that make a flood."""

    room: int
    most: int
    flood_after: int = FLOOD_AFTER


def gather(due: Sequence[Due], states: Mapping[str, GroupState], now_s: float, limits: Limits) -> GroupingPlan:
    """Plan all due messages of a channel, in order; what exceeds the limits is in no list and stays due."""
    return _Gatherer(states, now_s, limits).plan(due)


class _Gatherer:
    """One run of the plan."""

    def __init__(self, states: Mapping[str, GroupState], now_s: float, limits: Limits) -> None:
        self._states = dict(states)
        self._now_s = now_s
        self._room = limits.room
        self._most = limits.most
        self._flood_after = limits.flood_after
        self._plan = GroupingPlan()

    def plan(self, due: Sequence[Due]) -> GroupingPlan:
        groups: dict[str, list[int]] = {}
        for one in due:
            key = "" if one.fixed else self._group(one)
            if key:
                groups.setdefault(key, []).append(one.id)
            elif self._room > 0:
                self._room -= 1
                self._plan.alone.append(one.id)
                if not one.fixed:
                    self._spoke(one)
        for key, ids in groups.items():
            self._decide(key, ids)
        return self._plan

    def _group(self, one: Due) -> str:
        if one.ends:
            if self._now(one.ends) is None:
                self._put(one.ends, GroupState(self._now_s, self._now_s, 0, self._now_s + ENDS_HOLD_S))
            return one.ends
        hot = [key for key in one.weak if self._is_many(key)]
        flood = next((key for key in hot if _is_flood(key)), "")
        strong = next((key for key in one.strong if self._now(key) is not None), "")
        return flood or strong or next(iter(hot), "")

    def _decide(self, key: str, ids: list[int]) -> None:
        state = self._now(key)
        if state is None or state.next_s > self._now_s:
            until = state.next_s if state else self._now_s + HOLDS_S[0]
            self._plan.held.update(dict.fromkeys(ids, until))
            return
        for start in range(0, len(ids), self._most):
            part = ids[start : start + self._most]
            if self._room <= 0:
                return
            self._room -= 1
            if len(part) == 1:
                self._plan.alone += part
            else:
                self._plan.groups.append(Group(key, tuple(part)))
        self._bump(key, fired=True)
        if not _is_flood(key):
            self._bump(_flood_of(key), fired=False)

    def _spoke(self, one: Due) -> None:
        for key in one.strong:
            self._bump(key, fired=True)
        for key in one.weak:
            self._bump(key, fired=False)

    def _bump(self, key: str, fired: bool) -> None:
        """Count a message of a group. A weak group counts only its own messages, or a flood would never end."""
        state = self._now(key) or GroupState(self._now_s, self._now_s, 0, self._now_s)
        told = state.told + 1
        crossed = told == self._many(key)
        # Resolves are not urgent: their first message has already waited.
        begins = 0 if "|ends" in key else self._many(key) or 1
        hold_s = HOLDS_S[min(max(0, told - begins), len(HOLDS_S) - 1)]
        next_s = self._now_s + hold_s if fired or crossed else state.next_s
        self._put(key, replace(state, last_s=self._now_s, told=told, next_s=next_s))

    def _now(self, key: str) -> GroupState | None:
        """State of a group; empty if its last message is long ago."""
        state = self._states.get(key)
        if state is None:
            return None
        many = self._many(key)
        if many is None:
            return state if self._now_s - max(state.last_s, state.next_s) <= QUIET_S else None
        begun = state.last_s if state.told >= many else state.since_s
        return state if self._now_s - begun <= WINDOW_S else None

    def _is_many(self, key: str) -> bool:
        state = self._now(key)
        return state is not None and state.told >= (self._many(key) or 1)

    def _put(self, key: str, state: GroupState) -> None:
        self._states[key] = self._plan.states[key] = state

    def _many(self, key: str) -> int | None:
        """Messages within a minute that make a weak key a group; None for a strong one."""
        if _is_flood(key):
            return self._flood_after
        return TAG_AFTER if "|tag:" in key else None


def _is_flood(key: str) -> bool:
    return key.endswith(f"|{FLOOD}")


def _flood_of(key: str) -> str:
    return f"{key.partition('|')[0]}|{FLOOD}"
