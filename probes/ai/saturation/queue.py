"""Age of a queue: how long its oldest request has waited at least, from counters alone. Pure.

A server tells how many requests wait, and not for how long. What waited at one sample still waits at another while
fewer requests have left the queue in between than stood in it, for a queue serves in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from probes.ai.saturation.sample import Sample

#: Samples of a queue that are remembered; older ones in between are thinned out.
_KEPT_MOST = 32


@dataclass(frozen=True, slots=True)
class QueueSample:
    """A moment at which requests waited: so many had left the queue, and with this many more all that wait would."""

    at_s: float
    entered: float


#: What is remembered of the queue of each engine, by its name.
Queues = Mapping[str, tuple[QueueSample, ...]]


def oldest_wait(
    before: Queues, parts: Iterable[tuple[str, Sample]], now_s: float
) -> tuple[dict[str, tuple[QueueSample, ...]], float | None]:
    """What to remember of the queue of each engine, and the longest age of all: each serves its own requests."""
    queues: dict[str, tuple[QueueSample, ...]] = {}
    ages: list[float] = []
    for name, sample in parts:
        kept, age_s = queue_age(before.get(name, ()), sample, now_s)
        if kept:
            queues[name] = kept
        if age_s is not None:
            ages.append(age_s)
    return queues, max(ages, default=None)


def left_of(sample: Sample) -> float | None:
    """How many requests left the queue since the server began; None where it does not tell."""
    if sample.started is not None:
        return sample.started
    return None if sample.finished is None else sample.finished + (sample.running or 0.0)


def queue_age(
    before: Iterable[QueueSample], sample: Sample, now_s: float
) -> tuple[tuple[QueueSample, ...], float | None]:
    """What to remember of the queue, and the age of its oldest request (s, at least); None where it is not known."""
    left = left_of(sample)
    if left is None or sample.waiting is None:
        return (), None
    if not sample.waiting:
        return (), 0.0
    # What entered before has left by now, unless it is beyond what left; a restart begins anew.
    kept = [each for each in before if left < each.entered <= left + sample.waiting and each.at_s <= now_s]
    age_s = now_s - kept[0].at_s if kept else 0.0
    kept.append(QueueSample(now_s, left + sample.waiting))
    if len(kept) > _KEPT_MOST:
        # The oldest and the newest count; between them every second one is enough.
        kept = [kept[0], *kept[1:-1:2], kept[-1]]
    return tuple(kept), age_s
