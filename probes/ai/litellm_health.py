"""Body of LiteLLM's `/health`: it answers 200 even when every model behind the proxy is dead. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from probes.reasons import Reason, Status

#: Why a hand-written check of `/health` is paused, and what to do.
BILLED = (
    "this is LiteLLM's /health, which makes a real, billed completion on every deployment: "
    "use /health/liveliness or /health/readiness, or set billing_acknowledged"
)


class _Health(msgspec.Struct):
    healthy_count: int | None = None
    unhealthy_count: int | None = None
    healthy_endpoints: list[msgspec.Raw] | None = None
    unhealthy_endpoints: list[msgspec.Raw] | None = None


@dataclass(frozen=True, slots=True)
class DeadModels:
    """How bad it is, why, and in words."""

    status: Status
    reason: Reason
    words: str


_decoder = msgspec.json.Decoder(_Health)


def is_health(body: bytes) -> bool:
    """Whether an answer is that of `/health`, from any server: it lists or counts what is well and what is not."""
    said = _read(body)
    if said is None:
        return False
    return said.unhealthy_endpoints is not None and (said.healthy_endpoints, said.healthy_count) != (None, None)


def dead_models(body: bytes) -> DeadModels | None:
    """The models that the proxy calls unhealthy, or that none was tested; None when all are well, or nothing is said.

    The counts may be missing: then the lists count.
    """
    said = _read(body)
    if said is None:
        return None
    healthy = max(said.healthy_count or 0, len(said.healthy_endpoints or ()))
    dead = max(said.unhealthy_count or 0, len(said.unhealthy_endpoints or ()))
    if not healthy + dead:
        words = "no model was tested, so nothing is known of them"
        return DeadModels(Status.DEGRADED, Reason.VALUE_MISMATCH, words)
    if not dead:
        return None
    every = healthy + dead
    if not healthy:
        words = f"every model behind the proxy is unhealthy ({dead} of {every})"
        return DeadModels(Status.DOWN, Reason.VALUE_MISMATCH, words)
    words = f"{dead} of {every} models behind the proxy are unhealthy"
    return DeadModels(Status.DEGRADED, Reason.VALUE_MISMATCH, words)


def refused_group(body: bytes) -> DeadModels | None:
    """What a 503 of `/health?model=` says: no such group, or every deployment of it is dead. None for any other."""
    said = dead_models(body)
    if said is None or said.status is Status.DOWN:
        return said
    if said.status is Status.DEGRADED and "no model was tested" in said.words:
        return DeadModels(Status.DOWN, Reason.CONFIG, "the proxy knows no such model group: none was tested")
    return None


def _read(body: bytes) -> _Health | None:
    if b'"unhealthy_' not in body:
        return None
    try:
        said = _decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    return None if said.unhealthy_count is None and said.unhealthy_endpoints is None else said
