"""Saturation of a model server, from its own metrics: well, busy, or stalled. Pure.

An engine that has requests and produces no tokens is dead, whatever its health page says; one that is only full is
not. Reading metrics costs nothing and generates no tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from probes.ai.engine_metrics import Sample
from probes.reasons import Reason, Status

#: Counters that stood still between this many pairs of samples in a row are more than a coincidence.
_STILL_SAMPLES = 2


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which queue and which use of the cache an engine is busy, for how many samples, and when it stands still.

    `running_most` is from how many requests at once it is busy, whatever waits; 0 for no such limit.
    """

    waiting_most: float = 10.0
    cache_most: float = 0.95
    busy_samples: int = 3
    stalled_s: float = 120.0
    running_most: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the counters of one engine were, whether it had work, and since when they stand still."""

    progress: float | None
    worked: bool
    still_since_s: float
    still_samples: int


@dataclass(frozen=True, slots=True)
class EngineMemory:
    """What is kept of a monitor between samples: the standing of each engine ("" where there is one), and how often
    it was busy in a row."""

    standings: Mapping[str, Standing]
    busy_samples: int


@dataclass(frozen=True, slots=True)
class EngineJudgement:
    """What a sample says in the light of those before it."""

    memory: EngineMemory
    status: Status
    reason: Reason
    detail: str = ""


def judge(previous: EngineMemory | None, sample: Sample, now_s: float, thresholds: Thresholds) -> EngineJudgement:
    """Hold a sample against the memory of those before it. The caller keeps the memory of scheduled checks only.

    Standing still needs work to do and counters that did not move, twice in a row and for `stalled_s`. One engine of
    several that stands still is DEGRADED, all that have work are DOWN. A full queue is never more than DEGRADED: as
    long as the counters move, the engine is alive.
    """
    ranks = sample.ranks or (("", sample),)
    before = previous.standings if previous is not None else {}
    standings = {name: _standing(before.get(name), each, now_s) for name, each in ranks}
    crowded = _crowded(sample, thresholds)
    busy = (previous.busy_samples if previous else 0) + 1 if crowded else 0
    memory = EngineMemory(standings, busy)
    still = [(name, each) for name, each in ranks if _is_stalled(standings[name], now_s, thresholds)]
    if still:
        name, each = still[0]
        what = f"{_work(each)}, and no token for {now_s - standings[name].still_since_s:.0f} s"
        all_still = len(still) == len(ranks)
        how_many = f"all {len(ranks)}" if all_still else f"{len(still)} of {len(ranks)}"
        detail = f"{how_many} engines stand still: {name} has {what}" if name else f"{what}: the engine stands still"
        return EngineJudgement(memory, Status.DOWN if all_still else Status.DEGRADED, Reason.STALLED, detail)
    if crowded and busy >= thresholds.busy_samples:
        return EngineJudgement(memory, Status.DEGRADED, Reason.BUSY, f"busy: {crowded}")
    return EngineJudgement(memory, Status.UP, Reason.OK)


def _standing(previous: Standing | None, sample: Sample, now_s: float) -> Standing:
    has_work = _has_work(sample)
    if (
        previous is not None
        and has_work
        and previous.worked
        and sample.progress is not None
        and sample.progress == previous.progress
    ):
        return Standing(sample.progress, True, previous.still_since_s, previous.still_samples + 1)
    return Standing(sample.progress, has_work, now_s, 0)


def _is_stalled(standing: Standing, now_s: float, thresholds: Thresholds) -> bool:
    return standing.still_samples >= _STILL_SAMPLES and now_s - standing.still_since_s >= thresholds.stalled_s


def _has_work(sample: Sample) -> bool:
    return (sample.running or 0) + (sample.waiting or 0) > 0


def facts(sample: Sample) -> dict[str, float | int]:
    """The numbers worth showing; what was not said is left out."""
    found: dict[str, float | int] = {}
    if sample.running is not None:
        found["requests_running"] = int(sample.running)
    if sample.waiting is not None:
        found["requests_waiting"] = int(sample.waiting)
    if sample.cache is not None:
        found["cache_used_percent"] = round(sample.cache * 100, 1)
    return found


def demands(sample: Sample, thresholds: Thresholds) -> list[tuple[bool, str, str]]:
    """Each threshold held against one sample alone: whether it is kept, what was expected, and what was found."""
    held = []
    if sample.waiting is not None:
        kept = sample.waiting < thresholds.waiting_most
        held.append((kept, f"fewer than {thresholds.waiting_most:g} requests waiting", f"{sample.waiting:.0f}"))
    if thresholds.running_most and sample.running is not None:
        kept = sample.running < thresholds.running_most
        held.append((kept, f"fewer than {thresholds.running_most:g} requests running", f"{sample.running:.0f}"))
    if sample.cache is not None:
        kept = sample.cache < thresholds.cache_most
        held.append((kept, f"less than {thresholds.cache_most:.0%} of the cache in use", f"{sample.cache:.0%}"))
    return held


def _crowded(sample: Sample, thresholds: Thresholds) -> str:
    if thresholds.running_most and sample.running is not None and sample.running >= thresholds.running_most:
        return f"{sample.running:.0f} requests run, the limit is {thresholds.running_most:g}"
    if sample.waiting is not None and sample.waiting >= thresholds.waiting_most:
        return f"{sample.waiting:.0f} requests wait, the limit is {thresholds.waiting_most:g}"
    if sample.cache is not None and sample.cache >= thresholds.cache_most:
        return f"the cache is {sample.cache:.0%} full, the limit is {thresholds.cache_most:.0%}"
    return ""


def _work(sample: Sample) -> str:
    running, waiting = sample.running or 0, sample.waiting or 0
    return f"{running:.0f} requests running" if running else f"{waiting:.0f} requests waiting"
