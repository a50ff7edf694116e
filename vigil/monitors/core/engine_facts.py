"""Facts of inference servers for people: each engine of a server, and the numbers of the whole. Pure.

A region writes its facts itself, so types and sizes are checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from probes.ai.saturation.progress import EnginePhase
from probes.ai.saturation.report import ENGINE, ENGINES_TOLD
from probes.text import storable
from vigil.monitors.core.result_facts import as_number

_NAME_MOST, _MOST = 120, 1e15
_PHASES = frozenset(phase.value for phase in EnginePhase)
#: Numbers of a whole server that are told beside its engines.
NUMBERS = (
    "requests_running", "requests_waiting", "cache_used_percent", "queue_age_s", "preemptions_per_minute",
    "engine_restarts", "adapters_running", "adapters_most", "deployments", "deployments_out", "deployments_failing",
    "cooldowns_per_minute", "models_loaded", "in_vram_percent",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ToldEngine:
    """One engine: `phase` as `EnginePhase` has it; None for what it does not tell. `still_s`: 0 while it moves."""

    name: str
    phase: str
    running: float | None = None
    waiting: float | None = None
    cache_percent: float | None = None
    still_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ToldServer:
    """What a result tells of a server: its engines, those in trouble first, how many there are, and its numbers."""

    engines: Sequence[ToldEngine]
    count: int
    numbers: Mapping[str, float]


def told_server(facts: Mapping[str, object]) -> ToldServer | None:
    """What the facts of a result tell of an inference server; None where they tell nothing."""
    numbers = {name: number for name in NUMBERS if (number := _number(facts.get(name))) is not None}
    named = [_engine(facts[name]) for place in range(ENGINES_TOLD) if (name := f"{ENGINE}{place}") in facts]
    engines = [each for each in named if each is not None]
    phase = facts.get("engine_phase")
    if not engines and isinstance(phase, str) and phase in _PHASES:
        engines = [ToldEngine("", phase, numbers.get("requests_running"), numbers.get("requests_waiting"))]
    if not engines and not numbers:
        return None
    count = _number(facts.get("engines"))
    return ToldServer(engines, max(len(engines), min(int(count), 10_000) if count else 0), numbers)


def _engine(told: object) -> ToldEngine | None:
    """One engine as a worker tells it: name, phase, running, waiting, cache in percent, seconds still."""
    try:
        row = json.loads(told) if isinstance(told, str) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, list) or len(row) != 6:
        return None
    name, phase, running, waiting, cache, still_s = row
    if not isinstance(name, str) or not isinstance(phase, str) or phase not in _PHASES:
        return None
    return ToldEngine(
        storable(name, _NAME_MOST), phase, _number(running), _number(waiting), _number(cache), _number(still_s) or 0.0
    )


def _number(value: object) -> float | None:
    number = as_number(value)
    return number if number is not None and 0 <= number <= _MOST else None
