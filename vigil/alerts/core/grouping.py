"""Alert grouping: the first page of a cause is sent at once, later messages of it together. Pure.

Nothing is dropped: a held message is due again when its group may send next. A message belongs to a group by its keys:
a strong key (parent, host, provider) groups after one page. A page of a new cause passes while the receiver's own pace
lasts; beyond that its tag is a group, if many have that, or else the channel (flood).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from vigil.alerts.core import group_state
from vigil.alerts.core.group_state import ENDS_HOLD_S, HOLDS_S, TAG_AFTER, GroupState, flood_of, is_end, is_flood

#: Incidents told within a minute on a channel, beside those of a cause, from which on its pages join the others.
STORM_PAGES = 30
#: Pages of new causes at once, and then a second, that no receiver's pace exceeds here: more are a storm.
BURST = 6
STEADY_A_SECOND = 10.0
#: Causes that a message of a flood makes known, at most.
CAUSES_MOST = 2_000


@dataclass(frozen=True, slots=True)
class Due:
    """A due message. `strong` and `weak` are its group keys, best first.

    `ends`: it resolves an incident that was sent in a digest, so it is grouped from the first one on. `whole`: what
    is due at once under this key is one message, the first as well. `fixed`: a retry, which is sent again unchanged.
    """

    id: int
    strong: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    ends: str = ""
    fixed: bool = False
    whole: str = ""


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
    return {key for one in due for key in (*one.strong, *one.weak, one.ends, one.whole) if key}


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a channel: messages in flight, incidents per message, and the receiver's own pace."""

    room: int
    most: int
    burst: int = BURST
    per_s: float = STEADY_A_SECOND


def limits_of(room: int, most: int, burst: int, per_s: float) -> Limits:
    """Limits of a channel whose receiver takes `burst` messages at once, and then so many a second."""
    # Fewer than allowed, so that the first digest need not wait for the pace.
    return Limits(room, most, max(1, min(BURST, burst - 1)), min(STEADY_A_SECOND, per_s))


def gather(due: Sequence[Due], states: Mapping[str, GroupState], now_s: float, limits: Limits) -> GroupingPlan:
    """Plan all due messages of a channel, in order; what exceeds the limits is in no list and stays due."""
    return _Gatherer(states, now_s, limits).plan(due)


class _Gatherer:
    """One run of the plan."""

    def __init__(self, states: Mapping[str, GroupState], now_s: float, limits: Limits) -> None:
        self._states = dict(states)
        self._now_s = now_s
        self._room = limits.room
        self._limits = limits
        self._plan = GroupingPlan()
        self._crowded: set[str] = set()

    def plan(self, due: Sequence[Due]) -> GroupingPlan:
        groups: dict[str, list[Due]] = {}
        self._crowded = self._are_crowded(due)
        for one in due:
            key = "" if one.fixed else self._group(one)
            if key:
                groups.setdefault(key, []).append(one)
            elif self._room > 0 and (one.fixed or self._passes(one)):
                self._room -= 1
                self._plan.alone.append(one.id)
                if not one.fixed:
                    self._spoke(one)
            elif self._room > 0:
                groups.setdefault(self._tag(one) or _flood_key(one), []).append(one)
        for key, members in groups.items():
            self._decide(key, members)
        return self._plan

    def _group(self, one: Due) -> str:
        """Key of the group that a message belongs to; empty for the first word of a new cause."""
        if one.whole:
            return one.whole
        if one.ends:
            if self._now(one.ends) is None:
                self._put(one.ends, group_state.begun(self._now_s, ENDS_HOLD_S))
            return one.ends
        known, flood = self._known(one), _flood_key(one)
        return flood if known and flood and self._is_hot(flood, known) else known

    def _known(self, one: Due) -> str:
        """Key of the cause that was told before; empty for a new one."""
        return next((key for key in one.strong if self._now(key) is not None), "")

    def _tag(self, one: Due) -> str:
        """Key of a tag that many new causes have; it groups what the receiver's pace does not let pass."""
        return next((key for key in one.weak if not is_flood(key) and self._is_many(key)), "")

    def _are_crowded(self, due: Sequence[Due]) -> set[str]:
        """Floods that go on: more new causes wait, in them or under a tag, than pass at once."""
        new = [one for one in due if not (one.fixed or one.ends or one.whole or self._known(one))]
        counts = Counter(map(_flood_key, new))
        going_on = {_flood_key(one) for one in new if self._tag(one)}
        going_on |= {key for key in counts if (state := self._now(key)) and state.told}
        return {key for key in going_on if counts[key] > self._limits.burst}

    def _passes(self, one: Due) -> bool:
        """Whether the receiver's pace lasts for another page of a new cause; counts it also if it does not."""
        key = _flood_key(one)
        if not key:
            return True
        free = self._is_free(key) and key not in self._crowded
        self._use(key, 1)
        return free

    def _is_free(self, flood: str) -> bool:
        state = self._now(flood)
        in_hand_s = (self._limits.burst - 1) / self._limits.per_s
        return state is None or state.since_s - self._now_s <= in_hand_s + 1e-6

    def _is_hot(self, flood: str, known: str) -> bool:
        """Whether pages of a known cause join all others of the channel: several causes storm."""
        state, own = self._now(flood), self._now(known)
        if state is None:
            return False
        holds = state.told > 0 and state.next_s > self._now_s
        others = state.pages_at(self._now_s) - (own.pages_at(self._now_s) if own else 0.0)
        return holds or others >= STORM_PAGES or not self._is_free(flood)

    def _use(self, flood: str, messages: int) -> None:
        state = self._now(flood) or group_state.begun(self._now_s)
        self._put(flood, group_state.used(state, self._now_s, messages, self._limits.burst, self._limits.per_s))

    def _decide(self, key: str, members: Sequence[Due]) -> None:
        state = self._now(key)
        if is_flood(key) and (state is None or not state.told):
            state = replace(state or group_state.begun(self._now_s), told=1, next_s=self._now_s + HOLDS_S[0])
            self._put(key, state)
        ids = [one.id for one in members]
        if state is not None and state.next_s > self._now_s:
            self._plan.held.update(dict.fromkeys(ids, state.next_s))
            return
        most, messages = self._limits.most, 0
        for start in range(0, len(ids), most):
            part = ids[start : start + most]
            if self._room <= 0:
                return
            self._room -= 1
            messages += 1
            if len(part) == 1:
                self._plan.alone += part
            else:
                self._plan.groups.append(Group(key, tuple(part)))
        self._bump(key, fired=True, pages=len(ids))
        if is_flood(key):
            self._make_known(members)
        if not is_end(key):
            self._use(flood_of(key), messages)
            self._count(flood_of(key), 0 if is_flood(key) else len(ids))

    def _make_known(self, members: Sequence[Due]) -> None:
        """What a message of a flood told of is known afterwards, like the cause of a page."""
        causes = dict.fromkeys(key for one in members for key in one.strong if self._now(key) is None)
        for key in list(causes)[:CAUSES_MOST]:
            self._bump(key, fired=True)

    def _spoke(self, one: Due) -> None:
        for key in one.strong:
            self._bump(key, fired=True)
        for key in one.weak:
            if is_flood(key):
                self._count(key, 1)
            else:
                self._bump(key, fired=False)

    def _count(self, flood: str, pages: int) -> None:
        self._put(flood, group_state.counted(self._now(flood) or group_state.begun(self._now_s), self._now_s, pages))

    def _bump(self, key: str, fired: bool, pages: int = 1) -> None:
        state = self._now(key) or group_state.begun(self._now_s)
        least_s = 1 / self._limits.per_s if is_flood(key) else 0.0
        self._put(key, group_state.spoke(key, state, self._now_s, pages, fired=fired, least_s=least_s))

    def _now(self, key: str) -> GroupState | None:
        return group_state.current(key, self._states.get(key), self._now_s)

    def _is_many(self, key: str) -> bool:
        state = self._now(key)
        return state is not None and state.told >= TAG_AFTER

    def _put(self, key: str, state: GroupState) -> None:
        self._states[key] = self._plan.states[key] = state


def _flood_key(one: Due) -> str:
    return next((key for key in one.weak if is_flood(key)), "")
