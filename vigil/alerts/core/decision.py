"""Who is told of a step of an incident, who is not yet, and why. Pure.

Every channel that a step concerns gets a choice, also the one that is not told now: what is held is sent once nothing
holds it any more, and what is omitted says why it never will be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vigil.incidents.core.model import Step


class Event(StrEnum):
    """What a message does to the alert that a receiver has of an incident."""

    TRIGGER = "trigger"
    RESOLVE = "resolve"
    NOTE = "note"
    ACKNOWLEDGE = "acknowledge"


#: A worse kind, an escalation and a reminder are told as a trigger again, under the same dedup key.
EVENTS: Mapping[Step, Event] = {
    Step.OPENED: Event.TRIGGER,
    Step.CHANGED: Event.TRIGGER,
    Step.ESCALATED: Event.TRIGGER,
    Step.REMINDED: Event.TRIGGER,
    Step.NOTE: Event.NOTE,
    Step.ACKNOWLEDGED: Event.ACKNOWLEDGE,
    Step.SNOOZED: Event.ACKNOWLEDGE,
    Step.RESOLVED: Event.RESOLVE,
}


#: Told to whoever knows of the incident, whatever holds alerts back.
UNCONDITIONAL = frozenset({Step.RESOLVED, Step.ACKNOWLEDGED, Step.SNOOZED})


class Why(StrEnum):
    """Why a channel is concerned by a step."""

    ROUTED = "routed"
    EVERYONE = "everyone"
    ON_CALL = "on_call"
    TOLD_BEFORE = "told_before"
    FALLBACK = "fallback"
    SELF_TEST = "self_test"


class Withheld(StrEnum):
    """Why a channel that is concerned is not told, or not yet."""

    SILENCED = "silenced"
    HELD_BY_PARENT = "held_by_parent"
    SUPERSEDED = "superseded"
    #: Monitors of one provider fail together: the provider's incident is told instead.
    TOLD_TOGETHER = "told_together"
    ACKNOWLEDGED = "acknowledged"


class Disposition(StrEnum):
    """What becomes of the message: sent; held, and sent when nothing holds it any more; or never sent."""

    TELL = "tell"
    HOLD = "hold"
    OMIT = "omit"


@dataclass(frozen=True, slots=True)
class Hold:
    """What keeps an incident's alerts back now, by name, and until when if that can be known."""

    reason: Withheld
    by: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Concern:
    """Why a channel is concerned; `because` names the route, the policy or nothing."""

    why: Why
    because: str = ""


@dataclass(frozen=True, slots=True)
class IncidentContext:
    """Where an incident stands before the step: which channels were told of it, and what holds its alerts back."""

    told: frozenset[int] = frozenset()
    acknowledged: bool = False
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of the message to one channel."""

    channel: int
    outcome: Disposition
    concern: Concern
    hold: Hold | None = None


def decide(step: Step, concerned: Mapping[int, Concern], standing: IncidentContext) -> tuple[Choice, ...]:
    """A choice for every channel that the step concerns; `concerned` are those that routes or policies name.

    1. The end, and who took it on, go to whoever was told, whatever holds alerts back now: who knows of the beginning
       hears the rest.
    2. A note goes to those of the concerned that were told; while something holds, it is omitted, since it is old news
       by the time the hold is over.
    3. A beginning, or a worse kind, goes to the concerned and to whoever was told; while something holds, it is held.
    4. Escalations and reminders go to the concerned; none is needed once somebody has taken it on.
    """
    hold = strongest(standing.holds)
    before = {channel: Concern(Why.TOLD_BEFORE) for channel in standing.told}
    if step in UNCONDITIONAL:
        return _all(before, Disposition.TELL)
    if step is Step.NOTE:
        heard = {channel: concern for channel, concern in concerned.items() if channel in standing.told}
        return _all(heard, Disposition.OMIT if hold else Disposition.TELL, hold)
    if step in (Step.ESCALATED, Step.REMINDED):
        if standing.acknowledged:
            return _all(concerned, Disposition.OMIT, Hold(Withheld.ACKNOWLEDGED, ""))
        return _all(concerned, Disposition.HOLD if hold else Disposition.TELL, hold)
    return _all({**before, **concerned}, Disposition.HOLD if hold else Disposition.TELL, hold)


def strongest(holds: tuple[Hold, ...]) -> Hold | None:
    """The hold that lasts longest; one without a known end lasts longer than any other."""
    return max(holds, key=lambda hold: (hold.until is None, hold.until.timestamp() if hold.until else 0), default=None)


def _all(concerned: Mapping[int, Concern], outcome: Disposition, hold: Hold | None = None) -> tuple[Choice, ...]:
    return tuple(Choice(channel, outcome, concerned[channel], hold) for channel in sorted(concerned))
