"""Group state of alerts: how much a group has told, and when it may send next (group_interval). Pure.

The more a group has told within a minute, the longer it waits: half a second after a page, about a second at eleven
incidents a minute, half a minute at sixty. In a storm that is 0.5 s, 10 s, and then a minute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

#: group_interval before the 2nd, 3rd and every later message of a group, at most, in seconds.
HOLDS_S = (0.5, 10.0, 60.0)
#: Incidents told within a minute, squared, for each second of the group_interval.
SQUARE_A_SECOND = 120.0
WINDOW_S = 60.0
#: A group that sent its last message longer ago than this starts anew.
QUIET_S = 300.0
#: Messages within so many seconds that turn a tag into a group.
TAG_AFTER, TAG_WINDOW_S = 5, 10.0
#: How long resolves of grouped incidents are collected before the first is sent.
ENDS_HOLD_S = 2.0
#: How long a storm of new causes keeps the next one from passing (s).
STORM_S = 3.0
FLOOD = "*"


@dataclass(frozen=True, slots=True)
class GroupState:
    """State of a group: first and last message, how many, when the next is allowed, and incidents told in a minute.

    Of a flood `since_s` is until when the receiver's pace is used up (generic cell rate algorithm), `told` is 0 before
    the first overflow, and `pages` are those of the whole channel.
    """

    since_s: float
    last_s: float
    told: int
    next_s: float
    pages: float = 0.0

    def pages_at(self, now_s: float) -> float:
        """Incidents that the group told in about the last minute."""
        return self.pages * math.exp((self.last_s - now_s) / WINDOW_S)


def begun(now_s: float, hold_s: float = 0.0) -> GroupState:
    """A group that has told nothing yet."""
    return GroupState(now_s, now_s, 0, now_s + hold_s)


def current(key: str, state: GroupState | None, now_s: float) -> GroupState | None:
    """The state, or nothing if the last message of the group is long ago."""
    if state is None:
        return None
    if is_tag(key):
        last_s = max(state.last_s, state.next_s) if state.told >= TAG_AFTER else state.since_s
        return state if now_s - last_s <= TAG_WINDOW_S else None
    quiet_s = WINDOW_S if is_flood(key) else QUIET_S
    return state if now_s - max(state.last_s, state.next_s) <= quiet_s else None


def spoke(key: str, state: GroupState, now_s: float, pages: int, *, fired: bool, least_s: float = 0.0) -> GroupState:
    """State after one more message, which told so many incidents. `fired`: it was the group's own.

    A tag counts only its own messages, or its group would never end.
    """
    told, many = state.told + 1, TAG_AFTER if is_tag(key) else 0
    told_of = state.pages_at(now_s) + pages
    # Resolves are not urgent: their first message has already waited.
    before = told - (0 if is_end(key) else many or 1)
    hold_s = min(HOLDS_S[min(max(0, before), len(HOLDS_S) - 1)], told_of**2 / SQUARE_A_SECOND)
    next_s = now_s + max(HOLDS_S[0], least_s, hold_s) if fired or told == many else state.next_s
    return replace(state, last_s=now_s, told=told, next_s=next_s, pages=told_of)


def counted(state: GroupState, now_s: float, pages: int) -> GroupState:
    """State of a channel's flood after incidents that were not told by it."""
    return replace(state, last_s=now_s, pages=state.pages_at(now_s) + pages)


def used(state: GroupState, now_s: float, messages: int, burst: int, per_s: float) -> GroupState:
    """State of a flood after messages that use the receiver's pace: no more than passes within a few seconds."""
    until_s = max(state.since_s, now_s) + messages / per_s
    return replace(state, since_s=min(until_s, now_s + burst / per_s + STORM_S))


def is_tag(key: str) -> bool:
    return "|tag:" in key


def is_flood(key: str) -> bool:
    return key.endswith(f"|{FLOOD}")


def is_end(key: str) -> bool:
    return "|ends" in key


def flood_of(key: str) -> str:
    """Key of the flood that a group's messages count for."""
    return f"{key.partition('|')[0]}|{FLOOD}"
