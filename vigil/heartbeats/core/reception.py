"""Reception gaps: what they hide, and how long they postpone an alarm. Pure.

A gap never excuses a silent job. What it can hide is a call that came within it and whose retries ended within it, so
the alarm comes at the later of the deadline and a fair wait after the gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

#: Receivers beat once a second; a longer silence of all of them is a gap.
GAP = timedelta(seconds=3)
#: Callers try again at most this long after a refusal (curl --retry 5: 1, 2, 4, 8, 16 s).
RETRIES = timedelta(seconds=30)
#: After a long gap a job may call again by its own schedule: the wait is as long as the gap was, up to this.
LONGEST_WAIT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class ReceiverGap:
    """A period without any receiver; `planned`: a maintenance window, in which no ping is expected."""

    begin: datetime
    end: datetime
    planned: bool = False

    def in_words(self) -> str:
        begin, end = self.begin.astimezone(UTC), self.end.astimezone(UTC)
        # The second in which reception was back is still part of it.
        until = (end + timedelta(microseconds=999_999)).replace(microsecond=0)
        return f"{begin:%H:%M:%S} to {until:{'%H:%M:%S' if begin.date() == until.date() else '%Y-%m-%d %H:%M:%S'}}"


def gaps_between(heard: datetime, received: Iterable[datetime]) -> list[ReceiverGap]:
    """Gaps after `heard`, from all times at which a receiver beat or took a ping, in any order."""
    found = []
    for at in sorted(received):
        if at - heard > GAP:
            found.append(ReceiverGap(heard, at))
        heard = max(heard, at)
    return found


def alarm_at(deadline: datetime, grace: timedelta, gaps: Sequence[ReceiverGap]) -> datetime:
    """Time of the alarm for a silence, when these gaps are known.

    1. Without a gap that began before the deadline it is the deadline.
    2. Each of those postpones it until a fair wait after its end.
    3. The wait counts only while Vigil receives: later gaps interrupt it, and do not begin it anew.

    So it is never later than the deadline, the gaps, and one fair wait.
    """
    whole = _merged(gaps)
    hidden = [_waited(gap.end, fair_wait(gap, grace), whole) for gap in gaps if gap.begin < deadline]
    return max([deadline, *hidden])


def fair_wait(gap: ReceiverGap, grace: timedelta) -> timedelta:
    """How long after a gap a job may still call: retries, or its next run if the gap was long; the grace at most."""
    if gap.planned:
        return grace
    return min(grace, max(RETRIES, min(gap.end - gap.begin, LONGEST_WAIT)))


def hiding(gaps: Iterable[ReceiverGap], begin: datetime, end: datetime) -> tuple[ReceiverGap, ...]:
    """The unplanned gaps within this time, in order."""
    unplanned = _merged(gap for gap in gaps if not gap.planned)
    return tuple(gap for gap in unplanned if gap.begin < end and gap.end > begin)


def _waited(begin: datetime, wait: timedelta, whole: Sequence[ReceiverGap]) -> datetime:
    at = begin + wait
    for gap in whole:
        if gap.begin < at and gap.end > begin:
            at += gap.end - max(gap.begin, begin)
    return at


def _merged(gaps: Iterable[ReceiverGap]) -> list[ReceiverGap]:
    """Gaps in order, those that overlap as one."""
    whole: list[ReceiverGap] = []
    for gap in sorted(gaps, key=lambda each: each.begin):
        if whole and gap.begin <= whole[-1].end:
            whole[-1] = ReceiverGap(whole[-1].begin, max(whole[-1].end, gap.end))
        else:
            whole.append(gap)
    return whole
