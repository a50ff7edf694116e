"""Judge of a soak test: what should have been told, what was, and what was not. Pure; times are seconds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

#: A trigger may come this long after the end of what it tells of; a target must be seen well before it is resolved.
AFTERMATH_S = 60.0
#: More outages of one target within an hour are flapping, of which one incident stays open until it is stable.
STEADY_OUTAGES, FLAPPING_S = 2, 3_600.0
#: An incident is resolved so long after its target is well again, or its job calls again.
RESOLVED_WITHIN_S = 150.0
TRIGGER, RESOLVE = "trigger", "resolve"


@dataclass(frozen=True, slots=True)
class TellingBounds:
    """When something must be told, whatever is done to Vigil meanwhile (s).

    An outage that lasts for `outage_s` is told until `after_outage_s` past its end, and a silence until `silence_s`
    past its deadline, gaps of Vigil included.
    """

    outage_s: float = 45.0
    after_outage_s: float = 90.0
    silence_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which a target was really away."""

    subject: str
    begins_s: float
    ends_s: float


@dataclass(frozen=True, slots=True)
class JobSilence:
    """A job that called last at `begins_s`, and was due `due_s` later, grace included; it called again at `ends_s`."""

    subject: str
    begins_s: float
    due_s: float
    ends_s: float = math.inf


@dataclass(frozen=True, slots=True)
class Written:
    """A delivery as it stands in PostgreSQL; `message` is the id under which it is sent: its own, or a digest's."""

    incident: str
    event: str
    at_s: float
    subject: str
    kind: str
    text: str = ""
    channel: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel's receiver got: `delivery` is the id under which it came."""

    incident: str
    event: str
    at_s: float
    delivery: str
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """The course of a run until `ends_s`."""

    ends_s: float
    outages: Sequence[Outage] = ()
    silences: Sequence[JobSilence] = ()
    written: Sequence[Written] = ()
    told: Sequence[Told] = ()
    bounds: TellingBounds = field(default_factory=TellingBounds)


@dataclass(slots=True)
class Judgement:
    """Each entry is one line for people; `late_s` is from written to told, `detected_s` from begin to told."""

    lost: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    silences_untold: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    detected_s: list[float] = field(default_factory=list)


def judge(course: Course) -> Judgement:
    """Compare what was told with what happened."""
    found = Judgement()
    first, came = _first_told(course.told), _first_came(course.told)
    for one in course.written:
        at_s = came.get((one.channel, one.incident, one.event), {}).get(one.message)
        if at_s is None:
            found.lost.append(f"{_named(one)} was written for {one.channel!r} and not told")
        else:
            found.late_s.append(max(0.0, at_s - one.at_s))
    found.doubled = _twice(came, course.written)
    found.out_of_order = _out_of_order(first)
    triggers = _triggers(course.written)
    told = {incident: at_s for (_, incident, event), at_s in _latest_first(first) if event == TRIGGER}
    for outage in course.outages:
        _judge_outage(outage, course, triggers, told, found)
    for silence in course.silences:
        _judge_silence(silence, course, triggers, told, found)
    found.invented = _invented(course, triggers)
    found.unresolved = _unresolved(course, triggers)
    return found


def _named(one: Written) -> str:
    return f"{one.event} of {one.incident} ({one.kind} of {one.subject})"


def _triggers(written: Iterable[Written]) -> list[Written]:
    """One for each incident, whatever the number of its channels."""
    return list({one.incident: one for one in written if one.event == TRIGGER}.values())


def _first_told(told: Iterable[Told]) -> dict[tuple[str, str, str], float]:
    first: dict[tuple[str, str, str], float] = {}
    for one in told:
        key = one.channel, one.incident, one.event
        first[key] = min(one.at_s, first.get(key, one.at_s))
    return first


def _latest_first(first: dict[tuple[str, str, str], float]) -> list[tuple[tuple[str, str, str], float]]:
    """So that a mapping by incident keeps the first channel's time."""
    return sorted(first.items(), key=lambda item: -item[1])


def _first_came(told: Iterable[Told]) -> dict[tuple[str, str, str], dict[str, float]]:
    """When each message first came, by what it tells of."""
    came: dict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
    for one in told:
        ids = came[one.channel, one.incident, one.event]
        ids[one.delivery] = min(one.at_s, ids.get(one.delivery, one.at_s))
    return came


def _twice(came: Mapping[tuple[str, str, str], Mapping[str, float]], written: Iterable[Written]) -> list[str]:
    """The same step on one channel under two ids: a receiver cannot know that it is one.

    An incident that becomes worse has two steps that are triggers, and so two messages.
    """
    own: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for one in written:
        own[one.channel, one.incident, one.event].add(one.message)
    return [
        f"{key[2]} of {key[1]} on {key[0]!r} under {', '.join(sorted(ids))}"
        for key, ids in came.items()
        if len(own[key] | ids.keys()) > max(1, len(own[key]))
    ]


def _out_of_order(first: dict[tuple[str, str, str], float]) -> list[str]:
    """Resolves that came before their trigger, or without one."""
    return [
        f"resolve of {incident} on {channel!r} before its trigger"
        for (channel, incident, event), at_s in first.items()
        if event == RESOLVE and at_s < first.get((channel, incident, TRIGGER), math.inf)
    ]


def _judge_outage(
    outage: Outage, course: Course, triggers: Sequence[Written], told: dict[str, float], found: Judgement
) -> None:
    own = [one for one in triggers if one.subject == outage.subject and one.kind == "outage"]
    began = [one for one in own if outage.begins_s <= one.at_s <= outage.ends_s]
    if len(began) > 1:
        found.doubled.append(f"{len(began)} incidents of one outage of {outage.subject}")
    ended = {one.incident: one.at_s for one in course.written if one.event == RESOLVE}
    # An incident that is still open from before tells of this outage too.
    open_before = [one for one in own if one.at_s < outage.begins_s < ended.get(one.incident, course.ends_s)]
    times = [told[one.incident] for one in own if one.incident in told]
    until_s = outage.ends_s + course.bounds.after_outage_s
    in_time = [at_s for at_s in times if outage.begins_s <= at_s <= until_s]
    if in_time and not open_before:
        found.detected_s.append(min(in_time) - outage.begins_s)
    lasted_s = min(outage.ends_s, course.ends_s) - outage.begins_s
    if lasted_s >= course.bounds.outage_s and not in_time and not open_before:
        found.lost.append(f"the outage of {outage.subject} at {outage.begins_s:.0f} was not told")


def _judge_silence(
    silence: JobSilence, course: Course, triggers: Sequence[Written], told: dict[str, float], found: Judgement
) -> None:
    own = [one for one in triggers if (one.subject, one.kind) == (silence.subject, "heartbeat")]
    during = [one for one in own if silence.begins_s < one.at_s <= silence.ends_s]
    if len(during) > 1:
        found.doubled.append(f"{len(during)} incidents of one silence of {silence.subject}")
    must_be_told_s = silence.begins_s + silence.due_s + course.bounds.silence_s
    late = min(course.ends_s, silence.ends_s) > must_be_told_s
    if late and not any(one.incident in told for one in during):
        found.silences_untold.append(f"{silence.subject}, silent since {silence.begins_s:.0f}")


def _invented(course: Course, triggers: Iterable[Written]) -> list[str]:
    """Outages of targets that were well, and silences of jobs that called."""
    found = []
    for one in triggers:
        true = any(
            outage.subject == one.subject and outage.begins_s <= one.at_s <= outage.ends_s + AFTERMATH_S
            for outage in course.outages
        ) or any(
            silence.subject == one.subject and silence.begins_s <= one.at_s <= silence.ends_s + AFTERMATH_S
            for silence in course.silences
        )
        if one.kind in ("outage", "heartbeat") and not true:
            ends = [outage.ends_s for outage in course.outages if outage.subject == one.subject]
            before = [f"{one.at_s - end_s:.0f} s after an outage" for end_s in ends if end_s < one.at_s][-1:]
            found.append(f"{one.kind} of {one.subject} at {one.at_s:.0f} {' '.join(before)}: {one.text}")
    return found


def _unresolved(course: Course, triggers: Iterable[Written]) -> list[str]:
    """Incidents that stay open although what they tell of is long over."""
    resolved = {one.incident for one in course.written if one.event == RESOLVE}
    found = []
    for one in triggers:
        causes = [outage for outage in course.outages if outage.subject == one.subject]
        lasted = [(cause.begins_s, cause.ends_s) for cause in causes] + [
            (silence.begins_s, silence.ends_s) for silence in course.silences if silence.subject == one.subject
        ]
        ends_s = max((end_s for _, end_s in lasted), default=math.inf)
        recent = [begin_s for begin_s, _ in lasted if begin_s > ends_s - FLAPPING_S]
        over = ends_s + RESOLVED_WITHIN_S < course.ends_s and len(recent) <= STEADY_OUTAGES
        if one.kind in ("outage", "heartbeat") and over and one.incident not in resolved:
            found.append(f"{one.incident} ({one.kind} of {one.subject}) is open, {course.ends_s - ends_s:.0f} s after")
    return found
