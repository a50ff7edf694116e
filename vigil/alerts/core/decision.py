"""Notification decisions: send, hold (send when the hold ends) or omit, for each channel. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vigil.incidents.core.model import Step


class Event(StrEnum):
    """What a message does to the receiver's alert of an incident."""

    TRIGGER = "trigger"
    RESOLVE = "resolve"
    NOTE = "note"
    ACKNOWLEDGE = "acknowledge"
    #: Of no incident: a quiet message about a change or a date ahead.
    NOTICE = "notice"


#: A worse kind, an escalation and a reminder are triggers again, under the same dedup key.
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


#: Steps sent to every channel that has the trigger, despite any hold.
UNCONDITIONAL = frozenset({Step.RESOLVED, Step.ACKNOWLEDGED, Step.SNOOZED})


class Why(StrEnum):
    """Why a step concerns a channel."""

    ROUTED = "routed"
    EVERYONE = "everyone"
    ON_CALL = "on_call"
    TOLD_BEFORE = "told_before"
    FALLBACK = "fallback"
    SELF_TEST = "self_test"


class Withheld(StrEnum):
    """Why a concerned channel gets no message, or not yet."""

    SILENCED = "silenced"
    HELD_BY_PARENT = "held_by_parent"
    SUPERSEDED = "superseded"
    #: Several monitors of one provider fail: the provider's incident is sent instead.
    TOLD_TOGETHER = "told_together"
    ACKNOWLEDGED = "acknowledged"


class Disposition(StrEnum):
    """Outcome for a message: send now; hold and send later; or omit."""

    TELL = "tell"
    HOLD = "hold"
    OMIT = "omit"


@dataclass(frozen=True, slots=True)
class Hold:
    """What holds an incident's alerts back, by name, and until when if known; `may_end_before` then by other events."""

    reason: Withheld
    by: str
    until: datetime | None = None
    may_end_before: bool = False


@dataclass(frozen=True, slots=True)
class Concern:
    """Why a channel is concerned; `because` names the route or policy, if any."""

    why: Why
    because: str = ""


@dataclass(frozen=True, slots=True)
class IncidentContext:
    """State of an incident before the step: which channels were notified, and what holds its alerts back."""

    told: frozenset[int] = frozenset()
    acknowledged: bool = False
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Outcome for one channel."""

    channel: int
    outcome: Disposition
    concern: Concern
    hold: Hold | None = None


def decide(step: Step, concerned: Mapping[int, Concern], context: IncidentContext) -> tuple[Choice, ...]:
    """Decide the outcome for every channel of a step; `concerned` are those that routes or policies name.

    1. A resolve or an acknowledgement goes to every notified channel, despite any hold.
    2. A note goes to concerned channels that were notified; during a hold it is omitted, since it would come too late.
    3. A trigger, or a worse kind, goes to the concerned and the notified channels; during a hold it is held.
    4. Escalations and reminders go to the concerned channels; none once the incident is acknowledged.
    """
    hold = strongest(context.holds)
    before = {channel: Concern(Why.TOLD_BEFORE) for channel in context.told}
    if step in UNCONDITIONAL:
        return _all(before, Disposition.TELL)
    if step is Step.NOTE:
        heard = {channel: concern for channel, concern in concerned.items() if channel in context.told}
        return _all(heard, Disposition.OMIT if hold else Disposition.TELL, hold)
    if step in (Step.ESCALATED, Step.REMINDED):
        if context.acknowledged:
            return _all(concerned, Disposition.OMIT, Hold(Withheld.ACKNOWLEDGED, ""))
        return _all(concerned, Disposition.HOLD if hold else Disposition.TELL, hold)
    return _all({**before, **concerned}, Disposition.HOLD if hold else Disposition.TELL, hold)


def strongest(holds: tuple[Hold, ...]) -> Hold | None:
    """The hold that lasts longest; one without a known end outlasts all others."""
    return max(holds, key=lambda hold: (hold.until is None, hold.until.timestamp() if hold.until else 0), default=None)


def _all(concerned: Mapping[int, Concern], outcome: Disposition, hold: Hold | None = None) -> tuple[Choice, ...]:
    return tuple(Choice(channel, outcome, concerned[channel], hold) for channel in sorted(concerned))
