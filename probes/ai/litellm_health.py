"""Body of LiteLLM's `/health`: it answers 200 even when every model behind the proxy is dead. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from probes.reasons import Status


class _Counts(msgspec.Struct):
    healthy_count: int | None = None
    unhealthy_count: int | None = None


@dataclass(frozen=True, slots=True)
class DeadModels:
    """How bad it is, and in words."""

    status: Status
    words: str


_decoder = msgspec.json.Decoder(_Counts)


def dead_models(body: bytes) -> DeadModels | None:
    """The models that the proxy calls unhealthy, or None when there are none or it says nothing of them."""
    if b'"unhealthy_count"' not in body:
        return None
    try:
        counts = _decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    dead = counts.unhealthy_count or 0
    if dead <= 0:
        return None
    every = dead + max(counts.healthy_count or 0, 0)
    if not counts.healthy_count:
        return DeadModels(Status.DOWN, f"every model behind the proxy is unhealthy ({dead} of {every})")
    return DeadModels(Status.DEGRADED, f"{dead} of {every} models behind the proxy are unhealthy")
