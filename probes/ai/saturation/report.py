"""Report of a judgement: the facts of a result, and each threshold held against one sample. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from probes.ai.saturation.judge import EngineJudgement, Thresholds
from probes.ai.saturation.progress import EnginePhase, EngineState
from probes.ai.saturation.sample import Sample

#: Engines that are told one by one, those in trouble first.
ENGINES_TOLD = 24
#: The prefix of the facts of single engines.
ENGINE = "engine_"
_WORST = (EnginePhase.STALLED, EnginePhase.GONE, EnginePhase.STILL, EnginePhase.UNKNOWN)

Facts = dict[str, str | int | float | bool]


def facts(sample: Sample, judged: EngineJudgement | None = None) -> Facts:
    """The numbers worth showing; what was not said is left out."""
    said: dict[str, float | None] = {
        "requests_running": _whole(sample.running),
        "requests_waiting": _whole(sample.waiting),
        "cache_used_percent": None if sample.cache is None else round(sample.cache * 100, 1),
        "models_loaded": _whole(sample.loaded),
        "in_vram_percent": None if sample.in_vram is None else round(sample.in_vram * 100, 1),
    }
    if sample.adapters is not None:
        used = sample.adapters.used
        said["adapters_running"] = len(sample.adapters.running) if used is None else used
        said["adapters_most"] = sample.adapters.most
    if sample.deployments is not None:
        said |= {"deployments": sample.deployments.count, "deployments_out": len(sample.deployments.out)}
        said["deployments_failing"] = len(sample.deployments.failing)
    if judged is not None:
        said |= _judged(judged)
    found: Facts = {name: value for name, value in said.items() if value is not None}
    if judged is not None and len(judged.engines) == 1 and not judged.engines[0].name:
        found["engine_phase"] = judged.engines[0].phase.value
    if sample.adapters is not None and sample.adapters.running:
        found["adapters"] = ", ".join(sample.adapters.running)[:400]
    return found | (_engines(judged.engines) if judged is not None else {})


def _judged(judged: EngineJudgement) -> dict[str, float | None]:
    restarts = max((each.restarts for each in judged.engines), default=0)
    return {
        "queue_age_s": _rounded(judged.queue_age_s),
        "preemptions_per_minute": _rounded(judged.preemptions_per_minute),
        "cooldowns_per_minute": _rounded(judged.cooldowns_per_minute),
        "engine_restarts": restarts or None,
    }


def _engines(states: Sequence[EngineState]) -> Facts:
    """Engines that have names, each a list in JSON: name, phase, running, waiting, cache in percent, seconds still."""
    named = [each for each in states if each.name]
    if not named:
        return {}
    phases = [each.phase for each in named]
    counts: Facts = {"engines": len(named)}
    stalled, gone = phases.count(EnginePhase.STALLED), phases.count(EnginePhase.GONE)
    counts |= {"engines_stalled": stalled, "engines_gone": gone} if stalled or gone else {}
    told = sorted(named, key=lambda each: _WORST.index(each.phase) if each.phase in _WORST else len(_WORST))
    return counts | {f"{ENGINE}{place}": _told(each) for place, each in enumerate(told[:ENGINES_TOLD])}


def _told(state: EngineState) -> str:
    cache = None if state.cache is None else round(state.cache * 100)
    values = [state.name[:120], state.phase.value, _whole(state.running), _whole(state.waiting), cache]
    return json.dumps([*values, round(state.still_s)], separators=(",", ":"))


def _whole(value: float | None) -> int | None:
    return None if value is None else int(min(max(value, -1e15), 1e15))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(min(value, 1e12), 1)


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
    if thresholds.engines_least:
        kept = len(sample.engines) >= thresholds.engines_least
        held.append((kept, f"at least {thresholds.engines_least} engines", str(len(sample.engines))))
    if sample.deployments is not None:
        out = sample.deployments.out
        held.append((not out, "no deployment in cooldown", ", ".join(out[:3]) or "none"))
    return held
