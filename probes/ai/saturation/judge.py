"""Judgement of a model server from its own metrics: well, busy, in part, or stalled. Pure.

An engine that has requests and produces no tokens is dead, whatever its health page says; one that is only full is
not. Reading metrics costs nothing and generates no tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from probes.ai.saturation.progress import (
    EnginePhase,
    EngineState,
    Standing,
    engine_states,
    next_standings,
    parts_of,
    unproven,
)
from probes.ai.saturation.queue import Queues, oldest_wait
from probes.ai.saturation.sample import Sample
from probes.reasons import Reason, Status


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which queue and which use of the cache an engine is busy, for how many samples, and when it stands still.

    `running_most` is from how many requests at once it is busy, whatever waits; `queue_age_most_s` for how long the
    oldest request may wait; `preemptions_most` how many requests a minute may lose their place. 0 for no such limit.
    `engines_least` is how many engines must be there; 0: as many as were.
    """

    waiting_most: float = 10.0
    cache_most: float = 0.95
    busy_samples: int = 3
    stalled_s: float = 120.0
    running_most: float = 0.0
    queue_age_most_s: float = 0.0
    preemptions_most: float = 0.0
    engines_least: int = 0


@dataclass(frozen=True, slots=True)
class EngineMemory:
    """What is kept of a monitor between samples: the standing of each engine ("" where there is one), how often it was
    busy in a row, the queue of each engine, and its counters at the last sample.

    `since_s` is the time of the first sample; `was_calm` once the server was surely not busy.
    """

    standings: Mapping[str, Standing]
    busy_samples: int = 0
    queues: Queues = field(default_factory=dict)
    at_s: float = 0.0
    preempted: float | None = None
    cooldowns: float | None = None
    since_s: float = 0.0
    was_calm: bool = False


@dataclass(frozen=True, slots=True)
class EngineJudgement:
    """What a sample says in the light of those before it. None for what is not known from this sample, or not yet.

    `undecided` tells what would have to be seen for longer before it is no trouble: a memory that begins in the middle
    of a stall, or of a crowd, must not take it for over.
    """

    memory: EngineMemory
    status: Status
    reason: Reason
    detail: str = ""
    engines: Sequence[EngineState] = field(default=())
    queue_age_s: float | None = None
    preemptions_per_minute: float | None = None
    cooldowns_per_minute: float | None = None
    undecided: str = ""


def judge(
    previous: EngineMemory | None, sample: Sample, now_s: float, thresholds: Thresholds, fixed: bool = False
) -> EngineJudgement:
    """Hold a sample against the memory of those before it. The caller keeps the memory of scheduled checks only.

    Standing still needs work to do and counters that did not move, twice in a row and for `stalled_s`. One engine of
    several that stands still or is gone is DEGRADED, all that there are DOWN; and DEGRADED at most, where nothing moves
    before a request ends, or no request was seen to end at the server since, so that its gauges may be old. `fixed`
    says that the server's engines do not come and go. A full queue is never more than DEGRADED: as long as the counters
    move, the engine is alive. The first sample never says more than UP of a stall.
    """
    standings = next_standings(previous.standings if previous else {}, sample, now_s, fixed)
    states = engine_states(standings, sample, now_s, thresholds.stalled_s)
    queues, age_s = oldest_wait(previous.queues if previous else {}, parts_of(sample), now_s)
    preemptions = _per_minute(previous, "preempted", sample.preempted, now_s)
    crowded = _crowded(sample, thresholds, age_s, preemptions)
    busy = (previous.busy_samples if previous else 0) + 1 if crowded else 0
    since_s = previous.since_s if previous else now_s
    unsure = not crowded and _may_be_crowded(sample, thresholds, age_s, preemptions, now_s - since_s)
    was_calm = (previous is not None and previous.was_calm) or not (crowded or unsure)
    memory = EngineMemory(standings, busy, queues, now_s, sample.preempted, sample.cooldowns, since_s, was_calm)
    status, reason, detail = (
        _out_of_rotation(sample) or _stalled(states) or _too_few(states, thresholds) or (Status.UP, Reason.OK, "")
    )
    if status is Status.UP and crowded and busy >= thresholds.busy_samples:
        status, reason, detail = Status.DEGRADED, Reason.BUSY, f"busy: {crowded}"
    undecided = _undecided(memory, sample, crowded) if status is Status.UP else ""
    cooldowns = _per_minute(previous, "cooldowns", sample.cooldowns, now_s)
    return EngineJudgement(memory, status, reason, detail, states, age_s, preemptions, cooldowns, undecided)


def _undecided(memory: EngineMemory, sample: Sample, crowded: str) -> str:
    """Work that was not seen to move since the first sample, or a crowd that is as old."""
    still = unproven(memory.standings, sample)
    if still:
        named = "" if still == [""] else f" of {_listed(still)}"
        return f"not yet known: the counters{named} were not seen to move since this worker first looked"
    if memory.was_calm:
        return ""
    found = f"busy since this worker first looked: {crowded}" if crowded else "whether it is busy takes longer to see"
    return f"not yet known: {found}"


def _may_be_crowded(
    sample: Sample, thresholds: Thresholds, age_s: float | None, preemptions: float | None, looked_s: float
) -> bool:
    """Whether too few samples were taken to say that limits of time are kept: the queue is that of the first one."""
    if thresholds.queue_age_most_s and sample.waiting and age_s is not None and age_s >= looked_s:
        return True
    return bool(thresholds.preemptions_most) and sample.preempted is not None and preemptions is None


def _stalled(states: Sequence[EngineState]) -> tuple[Status, Reason, str] | None:
    """Engines that stand still or are gone, by name."""
    still = [each for each in states if each.phase is EnginePhase.STALLED]
    gone = [each for each in states if each.phase is EnginePhase.GONE]
    if not still and not gone:
        return None
    if still:
        first = still[0]
        whole = len(states) == 1
        what = f"{_work(first)}, and no token for {first.still_s:.0f} s"
        may = "may stand still" if first.is_coarse or first.is_unasked else "stands still"
        how_many = f"all {len(states)}" if len(still) == len(states) else f"{len(still)} of {len(states)}"
        named = f"{first.name} has {what}" if len(still) == 1 else f"{_names(still)}; {first.name} has {what}"
        detail = f"{what}: the engine {may}" if whole else f"{how_many} engines stand still: {named}"
        if all(each.is_unasked for each in still):
            detail += "; no requests are seen to end meanwhile, so these numbers may be of ones that were broken off"
    else:
        detail = f"{len(gone)} of {len(states)} engines are gone: {_names(gone)}"
    all_still = len(still) == len(states) and not any(each.is_coarse or each.is_unasked for each in still)
    return Status.DOWN if all_still else Status.DEGRADED, Reason.STALLED, detail


def _out_of_rotation(sample: Sample) -> tuple[Status, Reason, str] | None:
    """Deployments that a gateway has put in cooldown, by its own word."""
    told = sample.deployments
    if told is None or not told.out:
        return None
    every = len(told.out) == told.count
    how_many = f"every deployment ({told.count} of {told.count})" if every else f"{len(told.out)} of {told.count}"
    detail = f"{how_many}{'' if every else ' deployments'} in cooldown: {', '.join(told.out[:3])}"
    return Status.DOWN if every else Status.DEGRADED, Reason.VALUE_MISMATCH, detail


def _too_few(states: Sequence[EngineState], thresholds: Thresholds) -> tuple[Status, Reason, str] | None:
    if len(states) >= thresholds.engines_least:
        return None
    detail = f"{len(states)} engines, and {thresholds.engines_least} are expected: {_names(states)}"
    return Status.DEGRADED, Reason.STALLED, detail


def _names(states: Sequence[EngineState]) -> str:
    return _listed([each.name or "the server" for each in states])


def _listed(names: Sequence[str]) -> str:
    named = ", ".join(names[:4])
    return f"{named} and {len(names) - 4} more" if len(names) > 4 else named


def _per_minute(previous: EngineMemory | None, name: str, count: float | None, now_s: float) -> float | None:
    """How fast a counter grew since the last sample; None where that is not known, or it began anew."""
    before: float | None = getattr(previous, name) if previous is not None else None
    if previous is None or before is None or count is None or count < before or now_s <= previous.at_s:
        return None
    return (count - before) * 60.0 / (now_s - previous.at_s)


def _crowded(sample: Sample, thresholds: Thresholds, age_s: float | None, preemptions: float | None) -> str:
    if thresholds.running_most and sample.running is not None and sample.running >= thresholds.running_most:
        return f"{sample.running:.0f} requests run, the limit is {thresholds.running_most:g}"
    if sample.waiting is not None and sample.waiting >= thresholds.waiting_most:
        return f"{sample.waiting:.0f} requests wait, the limit is {thresholds.waiting_most:g}"
    if sample.waiting and sample.capacity and (sample.running or 0) >= sample.capacity:
        return f"{sample.running:.0f} requests run and {sample.waiting:.0f} wait, the server takes {sample.capacity:g}"
    if sample.cache is not None and sample.cache >= thresholds.cache_most:
        return f"the cache is {sample.cache:.0%} full, the limit is {thresholds.cache_most:.0%}"
    if thresholds.queue_age_most_s and age_s is not None and age_s >= thresholds.queue_age_most_s:
        return f"a request has waited for {age_s:.0f} s, the limit is {thresholds.queue_age_most_s:g} s"
    if thresholds.preemptions_most and preemptions is not None and preemptions >= thresholds.preemptions_most:
        return f"{preemptions:.0f} requests a minute lose their place, the limit is {thresholds.preemptions_most:g}"
    return ""


def _work(state: EngineState) -> str:
    running, waiting = state.running or 0, state.waiting or 0
    return f"{running:.0f} requests running" if running else f"{waiting:.0f} requests waiting"
