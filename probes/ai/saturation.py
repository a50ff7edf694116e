"""Saturation of a model server, from its own metrics: well, busy, or stalled. Pure.

An engine that has requests and produces no tokens is dead, whatever its health page says; one that is only full is
not. Reading metrics costs nothing and generates no tokens.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from probes.ai.engines import RANK_LABELS, Engine
from probes.reasons import Reason, Status

#: Nothing longer is a sample of a metric (bytes), and no page has more lines that matter.
_LINE_MOST, _SAMPLES_MOST = 4096, 5_000
#: Counters that stood still between this many pairs of samples in a row are more than a coincidence.
_STILL_SAMPLES = 2
#: A name, labels (whose quoted values may hold anything), and the number.
_SAMPLE = re.compile(rb'[\w:]+(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)')
_LABEL = re.compile(rb'(\w+)\s*=\s*"((?:[^"\\]|\\.)*)"')
#: Engines and ranks of one server that are told apart, and the longest name of one.
_RANKS_MOST, _RANK_NAME_MOST = 256, 40


@dataclass(frozen=True, slots=True)
class Sample:
    """What a server said at one moment; None for what it did not say, which is not the same as 0.

    `cache` is a share from 0 to 1. `progress` is a sum of counters, only good for comparing. `ranks` has the same of
    each engine or rank that the server names apart; empty where it names none.
    """

    running: float | None = None
    waiting: float | None = None
    cache: float | None = None
    progress: float | None = None
    ranks: tuple[tuple[str, Sample], ...] = ()


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


class NoSample(ValueError):
    """A page that does not say what the engine is asked for; one line for people."""


def read(engine: Engine, page: bytes) -> Sample:
    """The sample on a page of metrics (or of JSON); raises NoSample when none of it is the engine's."""
    found = _json_values(page) if engine.json else _metrics(page, _wanted(engine))
    sample = _sample(engine, found)
    if sample.running is None and sample.waiting is None:
        raise NoSample(f"the page has no metrics of {engine.title}, such as {engine.running[0]}")
    return sample


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
    working = [(name, each) for name, each in ranks if _has_work(each)]
    still = [(name, each) for name, each in working if _is_stalled(standings[name], now_s, thresholds)]
    if still and len(still) == len(working) and len(ranks) == 1:
        since_s = now_s - standings[still[0][0]].still_since_s
        detail = f"{_work(sample)}, and no token for {since_s:.0f} s: the engine stands still"
        return EngineJudgement(memory, Status.DOWN, Reason.STALLED, detail)
    if still:
        name, each = still[0]
        since_s = now_s - standings[name].still_since_s
        which = f"{name} has {_work(each)}, and no token for {since_s:.0f} s"
        if len(still) == len(ranks):
            detail = f"all {len(ranks)} engines stand still: {which}"
            return EngineJudgement(memory, Status.DOWN, Reason.STALLED, detail)
        detail = f"{len(still)} of {len(ranks)} engines stand still: {which}"
        return EngineJudgement(memory, Status.DEGRADED, Reason.STALLED, detail)
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


def _wanted(engine: Engine) -> frozenset[bytes]:
    return frozenset(name.encode() for name in engine.running + engine.waiting + engine.cache + engine.progress)


#: The values of each metric, each with the engine or rank that it is of ("" for none).
_Found = dict[str, list[tuple[str, float]]]


def _metrics(page: bytes, wanted: frozenset[bytes]) -> _Found:
    """The values of the wanted metrics, over all their labels, of a page in the Prometheus text format."""
    found: _Found = {}
    taken = 0
    for line in page.split(b"\n"):
        name = line[:200].partition(b"{")[0].partition(b" ")[0]
        if name not in wanted or len(line) > _LINE_MOST:
            continue
        one = _value(line)
        if one is not None:
            found.setdefault(name.decode(), []).append(one)
            taken += 1
        if taken >= _SAMPLES_MOST:
            break
    return found


def _value(line: bytes) -> tuple[str, float] | None:
    """Engine and number of a sample line; what follows the number, a time or an exemplar, does not count."""
    matched = _SAMPLE.match(line)
    try:
        value = float(matched[2]) if matched else math.nan
    except ValueError:
        return None
    if not matched or not math.isfinite(value):
        return None
    return _rank(matched[1] or b""), value


def _rank(labels: bytes) -> str:
    """The engine or rank that the labels name, like "engine 0, dp_rank 1"; "" for none."""
    if not labels:
        return ""
    given = {name.decode(): value.decode(errors="replace") for name, value in _LABEL.findall(labels)}
    return ", ".join(f"{name} {given[name][:_RANK_NAME_MOST]}" for name in RANK_LABELS if given.get(name))


def _sample(engine: Engine, found: _Found) -> Sample:
    """The sample of the whole server, with that of each engine where every part of it is told apart."""
    values = {name: [value for _, value in each] for name, each in found.items()}
    return Sample(
        running=_first(values, engine.running),
        waiting=_first(values, engine.waiting),
        cache=_first(values, engine.cache, largest=True),
        progress=_all(values, engine.progress),
        ranks=_ranks(engine, found),
    )


def _ranks(engine: Engine, found: _Found) -> tuple[tuple[str, Sample], ...]:
    """Each engine's own sample; none where the work or the counters are only told of all together."""
    queues = [name for name in engine.running + engine.waiting if name in found]
    names = sorted({rank for name in queues for rank, _ in found[name]})
    counted = {rank for name in engine.progress for rank, _ in found.get(name, ())}
    if len(names) < 2 or len(names) > _RANKS_MOST or "" in names or not set(names) <= counted:
        return ()
    apart = []
    for rank in names:
        own = {name: [value for where, value in each if where == rank] for name, each in found.items()}
        own = {name: each for name, each in own.items() if each}
        running, waiting = _first(own, engine.running), _first(own, engine.waiting)
        apart.append((rank, Sample(running, waiting, None, _all(own, engine.progress))))
    return tuple(apart)


def _json_values(page: bytes) -> _Found:
    try:
        content = msgspec.json.decode(page)
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise NoSample("the answer is not JSON") from None
    if not isinstance(content, dict):
        raise NoSample("the answer is no JSON object")
    return {name: [("", float(value))] for name, value in _numbers(content)}


def _numbers(content: Mapping[object, object]) -> Iterator[tuple[str, float]]:
    for name, value in content.items():
        if isinstance(name, str) and isinstance(value, (int, float)) and not isinstance(value, bool):
            yield name, value


def _first(values: Mapping[str, list[float]], names: tuple[str, ...], largest: bool = False) -> float | None:
    for name in names:
        if name in values:
            return max(values[name]) if largest else math.fsum(values[name])
    return None


def _all(values: Mapping[str, list[float]], names: tuple[str, ...]) -> float | None:
    found = [math.fsum(values[name]) for name in names if name in values]
    return math.fsum(found) if found else None
