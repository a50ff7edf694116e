"""Models in memory of Ollama, from `/api/ps`: it publishes no metrics.

Source: Ollama's `server/sched.go` and `server/routes.go`, 0.1.38 to 0.12. `expires_at` is set anew whenever the last
request to a model ends. A model whose time is over and that is still there is held by a request: `ollama ps` says
"Stopping...". So only a request beyond its time can be seen, and it may be a long answer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from probes.ai.engines.shape import Engine, JsonValues

_MODELS_MOST, _NAME_MOST = 100, 60
#: A model this long past its time (s) is held; below that it is being unloaded.
_HELD_S = 5.0


def _read(content: Any, now_s: float) -> JsonValues:
    models = content.get("models") if isinstance(content, dict) else None
    if models is None and isinstance(content, dict) and "models" in content:
        # Go writes an empty list as null in some releases.
        models = []
    if not isinstance(models, list):
        raise ValueError("the answer names no models: this is not /api/ps of Ollama")
    running: dict[str, float] = {}
    ends: dict[str, float] = {}
    size = in_vram = 0.0
    for model in models[:_MODELS_MOST]:
        if not isinstance(model, dict):
            continue
        name = str(model.get("name") or model.get("model") or "")[:_NAME_MOST]
        expires_s = _instant(model.get("expires_at"))
        if name and expires_s is not None:
            running[name] = 1.0 if expires_s < now_s - _HELD_S else 0.0
            ends[name] = expires_s
        size += _number(model.get("size"))
        in_vram += _number(model.get("size_vram"))
    values: dict[str, dict[str, float]] = {"running": running or {"": 0.0}, "loaded": {"": float(len(running))}}
    if ends:
        values["ends"] = ends
    if size > 0:
        values["in_vram"] = {"": min(1.0, in_vram / size)}
    return JsonValues(values)


def _instant(text: object) -> float | None:
    """An instant (s) as Go writes it, with nanoseconds; None for anything else."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e18 else 0.0


ENGINE = Engine("Ollama", running=("running",), ends=("ends",), from_json=_read)
