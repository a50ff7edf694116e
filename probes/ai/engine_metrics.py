"""Metrics page of a model server, read into a sample: of the server, and of each engine or rank that it names. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from probes.ai.engines import RANK_LABELS, Engine

#: Nothing longer is a sample of a metric (bytes), and no page has more lines that matter.
_LINE_MOST, _SAMPLES_MOST = 4096, 5_000
#: A name, labels (whose quoted values may hold anything), and the number.
_SAMPLE = re.compile(rb'\s*[\w:]+\s*(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)')
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


class NoSample(ValueError):
    """A page that does not say what the engine is asked for; one line for people."""


def read(engine: Engine, page: bytes) -> Sample:
    """The sample on a page of metrics (or of JSON); raises NoSample when none of it is the engine's."""
    found = _json_values(page) if engine.json else _metrics(page, _wanted(engine))
    sample = _sample(engine, found)
    if sample.running is None and sample.waiting is None:
        raise NoSample(f"the page has no metrics of {engine.title}, such as {engine.running[0]}")
    return sample


def _wanted(engine: Engine) -> dict[bytes, str]:
    """Each spelling of a wanted metric -> its name: Ray, collectors and newer servers write no colon."""
    names = engine.running + engine.waiting + engine.cache + engine.progress
    return {
        spelling.encode(): name
        for name in names
        for plain in [name.replace(":", "_")]
        for spelling in (name, plain, f"ray_{plain}")
    }


#: The values of each metric, each with the engine or rank that it is of ("" for none).
_Found = dict[str, list[tuple[str, float]]]


def _metrics(page: bytes, wanted: Mapping[bytes, str]) -> _Found:
    """The values of the wanted metrics, over all their labels, of a page in the Prometheus text format."""
    found: _Found = {}
    spelled: dict[str, bytes] = {}
    taken = 0
    for line in page.split(b"\n"):
        begin = line[:200].partition(b"{")[0].split(None, 1)
        name = wanted.get(begin[0]) if begin else None
        # A page that has a metric in two spellings says the same twice.
        if name is None or len(line) > _LINE_MOST or spelled.setdefault(name, begin[0]) != begin[0]:
            continue
        one = _value(line)
        if one is not None:
            found.setdefault(name, []).append(one)
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
