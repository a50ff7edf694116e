"""Sample of a model server: what it said at one moment, as a whole and of each engine that it names. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from probes.ai.engines.shape import Engine
from probes.ai.saturation.page import FoundMetrics, LabelSet, declares, read_page

#: The longest page in JSON (bytes): decoded, it takes ten times as much and more.
_JSON_MOST = 1_048_576
#: Engines of one server that are told apart.
_ENGINES_MOST = 256
#: A gauge that is a share is counted in millionths, so that it is not lost beside 10^12 tokens.
_SHARE = 1e6
_NAMES_MOST, _NAME_MOST = 50, 60
#: States of a deployment of LiteLLM.
_FAILING, _OUT = 1.0, 2.0


@dataclass(frozen=True, slots=True)
class Adapters:
    """LoRA adapters with requests, or the slots they take; `most` fit at once."""

    running: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    used: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Deployments:
    """Deployments of a gateway by its own word: how many, and which are out of rotation or failing in part."""

    count: int
    out: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """What a server said at one moment; None for what it did not say, which is not the same as 0.

    `cache` is a share from 0 to 1. `progress` is a sum of all that moves, only good for comparing, and `counted` the
    part of it that never falls but at a restart; `is_coarse` where nothing in it moves before a request ends.
    `finished`, `started` and `preempted` count requests, and `asked` those that the server before the engine has ended:
    0 where nothing counts them and gauges may be old.
    `engines` has the same of each engine that the server names.
    """

    running: float | None = None
    waiting: float | None = None
    cache: float | None = None
    progress: float | None = None
    engines: tuple[tuple[str, Sample], ...] = ()
    counted: float | None = field(default=None, compare=False)
    is_coarse: bool = field(default=False, compare=False)
    finished: float | None = field(default=None, compare=False)
    started: float | None = field(default=None, compare=False)
    preempted: float | None = field(default=None, compare=False)
    cooldowns: float | None = field(default=None, compare=False)
    capacity: float | None = field(default=None, compare=False)
    adapters: Adapters | None = field(default=None, compare=False)
    deployments: Deployments | None = field(default=None, compare=False)
    loaded: float | None = field(default=None, compare=False)
    in_vram: float | None = field(default=None, compare=False)
    asked: float | None = field(default=None, compare=False)


class NoSample(ValueError):
    """A page that does not say what the engine is asked for; one line for people."""


def read(engine: Engine, page: bytes, now_s: float = 0.0) -> Sample:
    """The sample on a page of metrics (or of JSON); raises NoSample when none of it is the engine's.

    `now_s` is the time of the server, for what it tells by instants.
    """
    if engine.from_json is not None and page[:1_000].lstrip()[:1] in (b"{", b"["):
        return _from_json(engine, page, now_s)
    found = read_page(engine, page)
    sample = _sample(engine, found, None)
    told = (sample.running, sample.waiting, sample.progress, sample.deployments)
    # A server that began just now and was asked nothing yet is the right one.
    if told == (None, None, None, None) and not declares(engine, page):
        raise NoSample(f"the page has no metrics of {engine.title}, such as {(engine.running + engine.waiting)[0]}")
    return sample


def _sample(engine: Engine, found: FoundMetrics, name: str | None) -> Sample:
    """The sample of one engine by its name, or of the whole server."""
    moving = [found.sum(family, name) for family in engine.steps + engine.ends]
    counters = [value for value in moving if value is not None]
    gauges = [value for family in engine.moves if (value := found.sum(family, name)) is not None]
    # The use of the cache may stay the same for a while.
    exact = engine.steps if engine.keeps_gauges else [*engine.steps, *(set(engine.moves) - set(engine.cache))]
    steps = any(found.sum(family, name) is not None for family in exact)
    running = _first(found, engine.running, name)
    if running is not None and name is None:
        running = max(0.0, running - engine.own_requests)
    return Sample(
        running=running,
        waiting=_first(found, engine.waiting, name),
        cache=next((value for family in engine.cache if (value := found.largest(family, name)) is not None), None),
        progress=math.fsum([*counters, *(gauge * _SHARE for gauge in gauges)]) if counters or gauges else None,
        engines=_engines(engine, found) if name is None else (),
        counted=math.fsum(counters) if counters else None,
        is_coarse=not steps,
        finished=_first(found, engine.finished, name),
        started=_first(found, engine.started, name),
        preempted=_first(found, engine.preempted, name),
        cooldowns=_first(found, engine.cooldowns, name),
        capacity=_first(found, engine.capacity, name),
        adapters=_adapters(engine, found) if name is None else None,
        deployments=_deployments(found.label_sets.get(engine.deployments, ())) if name is None else None,
        asked=_asked(engine, found) if name is None else None,
    )


def _asked(engine: Engine, found: FoundMetrics) -> float | None:
    count = found.sum(engine.asked) if engine.asked else None
    return 0.0 if count is None and engine.embedded else count


def _engines(engine: Engine, found: FoundMetrics) -> tuple[tuple[str, Sample], ...]:
    """Each engine's own sample; none where the work or the counters are only told of all together."""
    told = [
        next((family for family in each if family in found.values), "") for each in (engine.running, engine.waiting)
    ]
    names = found.engines(told)
    counted = found.engines(engine.steps + engine.ends + engine.moves)
    if not names or len(names) > _ENGINES_MOST or "" in names or not names <= counted:
        return ()
    return tuple((name, _sample(engine, found, name)) for name in sorted(names, key=_numbered))


def _numbered(name: str) -> tuple[str, int, str]:
    """Engines in the order of their numbers: 2 before 10."""
    words, _, number = name.rpartition(" ")
    return (words, int(number), "") if number.isdigit() and len(number) < 10 else (words, 0, number)


def _first(found: FoundMetrics, families: tuple[str, ...], name: str | None) -> float | None:
    return next((value for family in families if (value := found.sum(family, name)) is not None), None)


def _adapters(engine: Engine, found: FoundMetrics) -> Adapters | None:
    """LoRA adapters: of the label set that was written last, since each set that ever was stays on the page."""
    told = found.label_sets.get(engine.adapters)
    if told:
        labels = max(told, key=lambda each: each.value).labels
        most = labels.get("max_lora", "")
        return Adapters(
            _names(labels.get("running_lora_adapters", "")),
            _names(labels.get("waiting_lora_adapters", "")),
            None,
            int(most) if most.isdecimal() and len(most) < 7 else None,
        )
    used, most_slots = _first(found, engine.slots_used, None), _first(found, engine.slots, None)
    if used is None and most_slots is None:
        return None
    return Adapters(used=None if used is None else int(used), most=None if most_slots is None else int(most_slots))


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted({name.strip()[:_NAME_MOST] for name in text.split(",") if name.strip()})[:_NAMES_MOST])


def _deployments(told: list[LabelSet] | tuple[()]) -> Deployments | None:
    """Deployments by state. Their addresses may hold credentials and are left out."""
    if not told:
        return None
    states: dict[str, float] = {}
    for each in told:
        name = _deployment(each.labels)
        states[name] = max(each.value, states.get(name, 0.0))
    return Deployments(
        len(states),
        tuple(sorted(name for name, state in states.items() if state >= _OUT)[:_NAMES_MOST]),
        tuple(sorted(name for name, state in states.items() if _FAILING <= state < _OUT)[:_NAMES_MOST]),
    )


def _deployment(labels: Mapping[str, str]) -> str:
    model, provider = labels.get("litellm_model_name", "")[:_NAME_MOST], labels.get("api_provider", "")[:_NAME_MOST]
    told = labels.get("model_id", "")[:12]
    return " ".join(part for part in (model or "a deployment", f"at {provider}" if provider else "", told) if part)


def _from_json(engine: Engine, page: bytes, now_s: float) -> Sample:
    assert engine.from_json is not None
    if len(page) > _JSON_MOST:
        raise NoSample("the answer in JSON is larger than 1 MiB")
    try:
        values = engine.from_json(msgspec.json.decode(page), now_s).values
    except (msgspec.DecodeError, RecursionError):
        raise NoSample("the answer is not JSON") from None
    except ValueError as problem:
        raise NoSample(str(problem)) from None
    whole = {meaning: math.fsum(each.values()) for meaning, each in values.items()}
    if "running" not in whole and "waiting" not in whole:
        raise NoSample(f"the answer has no numbers of {engine.title}")
    running, ends = values.get("running", {}), values.get("ends", {})
    names = sorted(running) if ends and "" not in running and set(running) <= set(ends) else []
    return Sample(
        running=whole.get("running"),
        waiting=whole.get("waiting"),
        progress=whole.get("ends"),
        engines=tuple((name, Sample(running[name], None, None, ends[name], is_coarse=True)) for name in names),
        is_coarse=True,
        loaded=whole.get("loaded"),
        in_vram=whole.get("in_vram"),
    )
