"""Judge of a run of chaos: what should have been told, what was, and what was not. Pure; times are seconds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

#: An outage that lasts this long must be told, whatever is done to Vigil meanwhile; and told until this long after it.
MUST_BE_TOLD_S, TOLD_WITHIN_S = 45.0, 90.0
#: A trigger may come this long after the end of what it tells of; a target must be seen well before it is resolved.
AFTERMATH_S = 60.0
#: A silence is told at most this long after its deadline, gaps of Vigil included.
SILENCE_WITHIN_S = 60.0
TRIGGER, RESOLVE = "trigger", "resolve"


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which a target was really away."""

    subject: str
    begins_s: float
    ends_s: float


@dataclass(frozen=True, slots=True)
class JobSilence:
    """A job that called last at `begins_s`, and was due `due_s` later, its grace included."""

    subject: str
    begins_s: float
    due_s: float


@dataclass(frozen=True, slots=True)
class Written:
    """A delivery as it stands in PostgreSQL."""

    incident: str
    event: str
    at_s: float
    subject: str
    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What the receiver got: `delivery` is the id under which it came."""

    incident: str
    event: str
    at_s: float
    delivery: str


@dataclass(frozen=True, slots=True)
class Course:
    """The course of a run until `ends_s`."""

    ends_s: float
    outages: Sequence[Outage] = ()
    silences: Sequence[JobSilence] = ()
    written: Sequence[Written] = ()
    told: Sequence[Told] = ()


@dataclass(slots=True)
class Judgement:
    """Each entry is one line for people; `late_s` is from written to told, `detected_s` from begin to told."""

    lost: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    silences_untold: list[str] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    detected_s: list[float] = field(default_factory=list)


def judge(course: Course) -> Judgement:
    """Compare what was told with what happened."""
    found = Judgement()
    first = _first_told(course.told)
    for one in course.written:
        at_s = first.get((one.incident, one.event))
        if at_s is None:
            found.lost.append(f"{one.event} of {one.incident} ({one.kind} of {one.subject}) was written and not told")
        else:
            found.late_s.append(max(0.0, at_s - one.at_s))
    found.doubled = _twice(course.told)
    triggers = [one for one in course.written if one.event == TRIGGER]
    for outage in course.outages:
        _judge_outage(outage, course, triggers, first, found)
    for silence in course.silences:
        told_s = _told_of(silence.subject, "heartbeat", triggers, first)
        late = course.ends_s > silence.begins_s + silence.due_s + SILENCE_WITHIN_S
        if late and not any(at_s > silence.begins_s for at_s in told_s):
            found.silences_untold.append(f"{silence.subject}, silent since {silence.begins_s:.0f}")
    found.invented = _invented(course, triggers)
    return found


def _first_told(told: Iterable[Told]) -> dict[tuple[str, str], float]:
    first: dict[tuple[str, str], float] = {}
    for one in told:
        key = one.incident, one.event
        first[key] = min(one.at_s, first.get(key, one.at_s))
    return first


def _twice(told: Iterable[Told]) -> list[str]:
    """The same step under two ids: a receiver cannot know that it is one."""
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in told:
        ids[one.incident, one.event].add(one.delivery)
    return [f"{event} of {incident} under {len(of)} ids" for (incident, event), of in ids.items() if len(of) > 1]


def _judge_outage(
    outage: Outage, course: Course, triggers: Sequence[Written], first: dict[tuple[str, str], float], found: Judgement
) -> None:
    own = [one for one in triggers if one.subject == outage.subject and one.kind == "outage"]
    began = [one for one in own if outage.begins_s <= one.at_s <= outage.ends_s]
    if len(began) > 1:
        found.doubled.append(f"{len(began)} incidents of one outage of {outage.subject}")
    ended = {one.incident: one.at_s for one in course.written if one.event == RESOLVE}
    # An incident that is still open from before tells of this outage too.
    open_before = [one for one in own if one.at_s < outage.begins_s < ended.get(one.incident, course.ends_s)]
    times = [at_s for one in own if (at_s := first.get((one.incident, TRIGGER))) is not None]
    in_time = [at_s for at_s in times if outage.begins_s <= at_s <= outage.ends_s + TOLD_WITHIN_S]
    if in_time and not open_before:
        found.detected_s.append(min(in_time) - outage.begins_s)
    lasted_s = min(outage.ends_s, course.ends_s) - outage.begins_s
    if lasted_s >= MUST_BE_TOLD_S and not in_time and not open_before:
        found.lost.append(f"the outage of {outage.subject} at {outage.begins_s:.0f} was not told")


def _told_of(subject: str, kind: str, triggers: Iterable[Written], first: dict[tuple[str, str], float]) -> list[float]:
    found = [first.get((one.incident, TRIGGER)) for one in triggers if (one.subject, one.kind) == (subject, kind)]
    return [at_s for at_s in found if at_s is not None]


def _invented(course: Course, triggers: Iterable[Written]) -> list[str]:
    """Outages of targets that were well, and silences of jobs that called."""
    found = []
    for one in triggers:
        true = any(
            outage.subject == one.subject and outage.begins_s <= one.at_s <= outage.ends_s + AFTERMATH_S
            for outage in course.outages
        ) or any(silence.subject == one.subject and silence.begins_s <= one.at_s for silence in course.silences)
        if one.kind in ("outage", "heartbeat") and not true:
            ends = [outage.ends_s for outage in course.outages if outage.subject == one.subject]
            before = [f"{one.at_s - end_s:.0f} s after an outage" for end_s in ends if end_s < one.at_s][-1:]
            found.append(f"{one.kind} of {one.subject} at {one.at_s:.0f} {' '.join(before)}: {one.text}")
    return found
