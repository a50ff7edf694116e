"""Templates of presets for AI providers: the free list of models, or a single model."""

from __future__ import annotations

from probes.presets.shape import Key, Models, Preset
from probes.reasons import Reason

LIST = "The service answers and accepts the key; it says nothing of inference."


def is_list(path: str) -> tuple[dict[str, object], ...]:
    return ({"type": "jsonpath", "path": path, "count_min": 1},)


def has(path: str) -> tuple[dict[str, object], ...]:
    return ({"type": "jsonpath", "path": path, "exists": True},)


def equals(path: str, value: object, reason: Reason, gives: str = "down") -> dict[str, object]:
    return {"type": "jsonpath", "path": path, "equals": value, "reason": reason.value, "gives": gives}


#: Of providers that answer to more names than they list.
WITH_ALIASES = Models(gives="degraded", means="the key may use the model; names that are only aliases are not listed")


def openai_like(
    name: str,
    title: str,
    address: str,
    path: str,
    doc: str,
    timeout_ms: int = 10_000,
    models: Models | None = None,
) -> Preset:
    return Preset(
        name=name,
        title=title,
        family=name,
        address=address,
        path=path,
        client_base=path.removesuffix("/models"),
        doc=doc,
        says=LIST,
        key=Key.REQUIRED,
        assertions=is_list("$.data[*].id"),
        models=models or Models(),
        timeout_ms=timeout_ms,
    )


def one_model(name: str, title: str, family: str, address: str, path: str, doc: str, **more: object) -> Preset:
    return Preset(
        name=name,
        title=title,
        family=family,
        address=address,
        path=path,
        doc=doc,
        says="The model is there for this key; one that is retired or not allowed is answered with 404.",
        needs=("model",),
        **{"key": Key.REQUIRED, "assertions": has("$.id"), **more},  # type: ignore[arg-type]  # the fields of Preset
    )
